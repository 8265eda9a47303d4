"""The Trust Center link key exchange, as a joiner goes through it (protocol.md 1.8, steps 6 to 10).

    Node_Desc_req -> Node_Desc_rsp -> Request-Key -> Transport-Key -> Verify-Key -> Confirm-Key

Who gives up when, and over what, is the model's; so is which time-outs count together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from coordinator.codec import aps_commands, zdp
from coordinator.codec.security_header import KeyIdentifier
from coordinator.joiner.device import EXCHANGING, Device, State
from coordinator.joiner.model import NegativeConfirmReaction, RetryRule
from coordinator.joiner.procedures.judgement import Judgement, judge_descriptor
from coordinator.primitives import apsme, zdo
from coordinator.security.suites import suite
from coordinator.stack.timers import Timer
from coordinator.types import COORDINATOR, Duration, Eui64, Instant, LinkKeyKind

TRUST_CENTER_LINK_KEY = aps_commands.KeyType.TRUST_CENTER_LINK

_AFTER_REQUEST = (State.REQUESTING, State.VERIFYING)

Ending = Callable[[Instant], None]


class KeyExchange:
    """One exchange at a time. It ends in exactly one of three calls, or in `stop`.

    `done`: a key is verified, or the Trust Center is too old to have one. `failed`: it came to
    nothing. `refused`: the device leaves at once.
    """

    __slots__ = (
        "_count", "_device", "_done", "_failed", "_proof", "_refused", "_retry", "_traits", "_trust_center",
    )  # fmt: skip

    def __init__(self, device: Device, *, done: Ending, failed: Ending, refused: Ending) -> None:
        self._device = device
        self._traits = device.model.exchange
        self._done = done
        self._failed = failed
        self._refused = refused
        self._retry: Timer | None = None
        self._count = 0
        self._trust_center = Eui64(0)
        self._proof = b""

    def begin(self, trust_center: Eui64, now: Instant) -> None:
        """Start when the model does; `trust_center` has just sent the network key."""
        self._trust_center = trust_center
        self._count = 0
        self._device.wait(self._traits.start_delay, self._start, now)

    def stop(self) -> None:
        """Wait for nothing any more."""
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def abandon(self, now: Instant) -> None:
        """Fail where it stands, if it has not ended yet."""
        if self._device.state is State.AUTHENTICATED or self._device.state in EXCHANGING:
            self._end(self._failed, now)

    def take_descriptor(self, response: zdp.NodeDescriptorResponse, now: Instant) -> None:
        """The Trust Center's Node_Desc_rsp came."""
        if not self._wants_descriptor():
            return
        judgement, traits = judge_descriptor(response, self._traits)
        for trait in traits:
            self._device.consult(trait)
        match judgement:
            case Judgement.EXCHANGE:
                self._begin_step(State.REQUESTING, now)
            case Judgement.FINISH_WITHOUT:
                self._end(self._done, now)
            case Judgement.FAIL:
                self._end(self._failed, now)
            case Judgement.WAIT:
                pass
            case _:
                assert_never(judgement)

    def take_link_key(self, indication: apsme.TransportKeyIndication, now: Instant) -> None:
        """A Trust Center link key came. One that comes again while unconfirmed is verified again.

        It must have come under the key-load key: R21+ drops any other (behaviours.md 9 and 10).
        """
        device = self._device
        if device.state not in _AFTER_REQUEST or indication.security.aps is not KeyIdentifier.KEY_LOAD:
            return
        link_keys = device.services.link_keys
        provisional = link_keys.entry(self._trust_center).provisional
        identical = indication.key == provisional.key
        device.consult("exchange.accepts_identical_key" if identical else "exchange.accepts_fresh_key")
        if not (self._traits.accepts_identical_key if identical else self._traits.accepts_fresh_key):
            self._end(self._failed, now)
            return
        kind = provisional.kind if identical else LinkKeyKind.UNIQUE
        link_keys.offer(self._trust_center, indication.key, kind)
        self._proof = suite(indication.key).verify_hash
        if device.state is State.REQUESTING:
            self._begin_step(State.VERIFYING, now)
        else:
            self._verify(now)

    def take_confirmation(self, indication: apsme.ConfirmKeyIndication, now: Instant) -> None:
        """Confirm-Key came. A success that no link key protects is dropped (behaviours.md 15)."""
        device = self._device
        link_keys = device.services.link_keys
        if indication.status == 0 and indication.security.aps is None:
            return
        if device.state not in _AFTER_REQUEST or link_keys.entry(self._trust_center).pending is None:
            return
        if indication.status == 0:
            link_keys.promote(self._trust_center)
            self._end(self._done, now)
            return
        device.consult("exchange.negative_confirm")
        reaction = self._traits.negative_confirm
        match reaction:
            case NegativeConfirmReaction.LEAVE_AT_ONCE:
                self._end(self._refused, now)
            case NegativeConfirmReaction.FAIL:
                self._end(self._failed, now)
            case NegativeConfirmReaction.IGNORE:
                pass
            case _:
                assert_never(reaction)

    # Steps and their repetition

    def _start(self, now: Instant) -> None:
        self._begin_step(State.DESCRIBING, now)
        if self._ticks:
            self._arm(self._traits.timeout, now)

    @property
    def _ticks(self) -> bool:
        return self._traits.retry_rule is RetryRule.DESCRIPTOR_TICKER

    def _wants_descriptor(self) -> bool:
        state = self._device.state
        return state is State.DESCRIBING or (self._ticks and state in EXCHANGING)

    def _begin_step(self, state: State, now: Instant) -> None:
        self._device.enter(state)
        if not self._ticks:
            if self._traits.retry_rule is RetryRule.PER_STEP or state is not State.VERIFYING:
                self._count = 0
            self._arm(self._traits.timeout, now)
        self._send_step(now)

    def _send_step(self, now: Instant) -> None:
        match self._device.state:
            case State.DESCRIBING:
                self._ask_descriptor(now)
            case State.REQUESTING:
                self._request_key(now)
            case State.VERIFYING:
                self._verify(now)
            case other:
                raise AssertionError(f"{other.value} is not a step of the key exchange")

    def _arm(self, span: Duration, now: Instant) -> None:
        self.stop()
        self._retry = self._device.services.timers.set(Instant(now + span), self._expire)

    def _expire(self, now: Instant) -> None:
        """A step was not answered in bdbcTCLinkKeyExchangeTimeout."""
        self._count += 1
        if self._count >= self._traits.attempts:
            self._device.consult("exchange.attempts")
            self._end(self._failed, now)
            return
        self._arm(self._traits.timeout, now)
        if self._ticks:
            self._ask_descriptor(now)
        else:
            self._send_step(now)

    def _end(self, ending: Ending, now: Instant) -> None:
        self.stop()
        self._device.services.link_keys.discard_pending(self._trust_center)
        ending(now)

    # Requests

    def _ask_descriptor(self, now: Instant) -> None:
        command = zdp.NodeDescriptorRequest(address=COORDINATOR)
        self._device.request(zdo.CommandRequest(destination=COORDINATOR, command=command), now)

    def _request_key(self, now: Instant) -> None:
        request = apsme.RequestKeyRequest(address=COORDINATOR, key_type=TRUST_CENTER_LINK_KEY)
        self._device.request(request, now)

    def _verify(self, now: Instant) -> None:
        """Prove the key that is pending; NWK security only (protocol.md 1.5)."""
        request = apsme.VerifyKeyRequest(
            address=COORDINATOR, key_type=TRUST_CENTER_LINK_KEY, hash=self._proof
        )
        self._device.request(request, now)
