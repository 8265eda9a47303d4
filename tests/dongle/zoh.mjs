// A coordinator of zigbee-on-host on an RCP behind TCP: forms a network, opens joining, says what it sees.
// node zoh.mjs PACKAGE_DIRECTORY HOST PORT SAVE_DIRECTORY; one JSON object a line; ends when stdin does.

import { createRequire } from "node:module";
import net from "node:net";
import path from "node:path";

const [packageDirectory, host, port, saveDirectory] = process.argv.slice(2);
const packageRequire = createRequire(path.resolve(packageDirectory, "package.json"));
const { OTRCPDriver } = packageRequire("./dist/drivers/ot-rcp-driver.js");
const { setLogger } = packageRequire("./dist/utils/logger.js");

const say = (event, fields = {}) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
const device = (address16, address64) => ({
    nwk: address16,
    eui64: address64?.toString(16).padStart(16, "0"),
});
const notedAs = (event) => (address16, address64) => say(event, device(address16, address64));
const ignored = () => {};
setLogger({ debug: ignored, info: ignored, warning: ignored, error: (text) => say("error", { text }) });

const socket = net.connect({ host, port: Number(port), noDelay: true });
socket.on("error", (error) => say("socket-error", { reason: error.message }));

const driver = new OTRCPDriver(
    socket,
    {
        onFatalError: (message) => say("fatal", { message }),
        onMACFrame: ignored,
        onFrame: ignored,
        onGPFrame: ignored,
        onDeviceJoined: notedAs("joined"),
        onDeviceRejoined: notedAs("rejoined"),
        onDeviceLeft: notedAs("left"),
        onDeviceAuthorized: notedAs("authorized"),
    },
    {
        txChannel: 15,
        ccaBackoffAttempts: 1,
        ccaRetries: 4,
        enableCSMACA: true,
        headerUpdated: true,
        reTx: false,
        securityProcessed: true,
        txDelay: 0,
        txDelayBaseTime: 0,
        rxChannelAfterTxDone: 15,
    },
    {
        eui64: 0x020000000000c0den,
        panId: 0x1a62,
        extendedPanId: 0x0200000000001a62n,
        channel: 15,
        nwkUpdateId: 0,
        txPower: 10,
        networkKey: Buffer.from("01030507090b0d0f00020406080a0c0d", "hex"),
        networkKeyFrameCounter: 0,
        networkKeySequenceNumber: 0,
        tcKey: Buffer.from("ZigBeeAlliance09"),
        tcKeyFrameCounter: 0,
    },
    saveDirectory,
);

await driver.start();
say("started", {
    protocol: `${driver.protocolVersionMajor}.${driver.protocolVersionMinor}`,
    version: driver.ncpVersion,
    api: driver.rcpAPIVersion,
});
await driver.formNetwork();
driver.context.allowJoins(254, true);
say("formed");

process.stdin.resume();
process.stdin.on("end", async () => {
    await driver.stop();
    say("stopped");
    socket.destroy();
});
