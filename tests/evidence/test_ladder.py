"""The ladder: rows as they happen, and how they look in 80 columns."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from coordinator import trace
from coordinator.evidence import render
from coordinator.evidence.ladder import Direction, Ladder, Row
from coordinator.evidence.outcome import Verdict
from coordinator.evidence.witness import Witness
from coordinator.primitives import mlme
from coordinator.types import LinkKeyKind, NwkAddress
from tests.evidence.story import DEVICE, FRESH, OTHER, REUSE, Story, beacon, us


class Told:
    """A story together with the rows that come of it."""

    def __init__(self) -> None:
        self.ladder = Ladder()
        self.rows: list[Row] = []
        self.story = Story(self.note)

    def note(self, record: trace.Record) -> None:
        self.rows += self.ladder.note(record)

    def drawn(self) -> list[str]:
        return [render.plain_rung(row) for row in self.rows]


@pytest.fixture
def told() -> Told:
    return Told()


def test_the_seeds_second_case_is_drawn_step_by_step(told: Told) -> None:
    story = told.story
    story.indicate(0, mlme.BeaconRequestIndication())
    story.request(0, beacon())
    story.associate(1_000)
    story.network_key(1_500)
    story.announce(1_507)
    story.ask_descriptor(1_700)
    story.request_key(1_800)
    story.reuse(1_800)
    story.leave(2_014)
    assert "\n".join(told.drawn()).splitlines() == [
        "           <-- Beacon Request                           none",
        "           --> Beacon (open, profile 2, router room,    none",
        "               end-device room)",
        "           <-- Association Request (router)             none",
        "           --> Association Response (0x1234)            none",
        "  +0.000 s --> Transport-Key (NWK, sequence 0)          key-transport (global)",
        "  +0.007 s <-- Device_annce                             NWK key",
        "  +0.200 s <-- Node_Desc_req                            NWK key",
        "  +0.200 s --> Node_Desc_rsp (R22)                      NWK key",
        "  +0.300 s <-- Request-Key (TC link)                    NWK + link key (global)",
        "  +0.300 s --> Transport-Key (TC link,                  NWK + key-load (global)",
        "               ZigBeeAlliance09)",
        "               ! tclk.reuse_global: Transport-Key (TC link, unique key,",
        "                 key-load) -> Transport-Key (TC link, ZigBeeAlliance09,",
        "                 key-load); R21: a fresh key",
        "  +0.514 s <.. Verify-Key; never came",
        "  +0.514 s <-- Leave                                    NWK key",
    ]


def test_a_confirmation_is_secured_with_the_new_key(told: Told) -> None:
    told.story.enter()
    told.story.exchange(700)
    confirmation = told.rows[-1]
    assert confirmation.what == "Confirm-Key (SUCCESS)"
    assert confirmation.key == "NWK + link key (unique)"
    assert told.ladder.close(us(40_000)) == ()


def test_an_install_code_is_named_as_the_key_of_the_network_key(told: Told) -> None:
    told.note(trace.KeyInUse(at=us(0), key=FRESH, device=DEVICE, kind=LinkKeyKind.INSTALL_CODE))
    told.story.enter(10)
    keys = [row.key for row in told.rows if row.what.startswith("Transport-Key")]
    assert keys == ["key-transport (install-code)"]


def test_repetitions_are_rows_of_their_own_and_say_so(told: Told) -> None:
    told.story.enter()
    for at in (700, 5_700, 10_700):
        told.story.request_key(at)
    assert [row.note for row in told.rows[-3:]] == ["", "again (2)", "again (3)"]


def test_a_deviation_is_told_in_full_once_and_by_name_afterwards(told: Told) -> None:
    told.story.enter()
    told.story.reuse(700)
    told.story.reuse(5_700)
    first, second = (row.deviations for row in told.rows if row.what.endswith("ZigBeeAlliance09)"))
    assert first[0].startswith("tclk.reuse_global: Transport-Key")
    assert second == ("tclk.reuse_global, as before",)


def test_a_frame_that_is_not_acknowledged_gets_a_ghost(told: Told) -> None:
    told.story.enter()
    told.story.offer(700, delivered=False)
    row = told.rows[-1]
    assert (row.ghost, row.direction) == (True, Direction.TO_JOINER)
    assert row.note == "not acknowledged (no-ack)"
    assert row.at == us(705)


def test_silence_where_an_answer_was_due_gets_a_ghost_for_the_device_that_asked(told: Told) -> None:
    told.story.enter()
    told.story.request_key(700)
    told.note(
        trace.Deviated(
            at=us(700),
            behaviour="reqkey.ignore",
            cause="Request-Key (TC link)",
            before="Transport-Key (TC link, unique key, key-load)",
            after="silence",
            clause="",
        )
    )
    row = told.rows[-1]
    assert (row.device, row.ghost, row.note) == (DEVICE, True, "silence instead")


def test_what_never_came_is_drawn_when_the_window_closes(told: Told) -> None:
    told.story.enter()
    told.story.request_key(700)
    (ghost,) = told.ladder.close(us(40_000))
    assert (ghost.what, ghost.direction) == ("Transport-Key (TC link)", Direction.TO_JOINER)
    assert ghost.note == "never came"


def test_an_unused_network_key_leaves_a_ghost_when_the_joiner_begins_anew(told: Told) -> None:
    told.story.associate()
    told.story.network_key()
    told.story.associate(5_000)
    ghosts = [row.what for row in told.rows if row.ghost]
    assert ghosts == ["Device_annce"]


def test_what_was_never_on_the_air_is_no_row_but_a_ghost_that_says_why(told: Told) -> None:
    told.story.enter()
    told.story.request_key(700)
    told.story.offer(710, sent=False, delivered=False, reason="no route", deviations=(REUSE,))
    ghost = told.rows[-1]
    assert (ghost.ghost, ghost.direction, ghost.note) == (True, Direction.TO_JOINER, "not sent (no route)")
    assert ghost.what == "Transport-Key (TC link, unique key)"
    assert not [row for row in told.rows if row.what.startswith("Transport-Key (TC") and not row.ghost]
    assert ghost.deviations[0].startswith("tclk.reuse_global")  # it is as old as the session: a wait


def test_a_second_answer_after_the_confirmation_calls_for_no_second_proof(told: Told) -> None:
    told.story.enter()
    told.story.request_key(700)
    told.story.request_key(5_700)
    told.story.offer(7_700)
    told.story.verify(7_710)
    told.story.confirm(7_720)
    told.story.offer(12_700)
    assert told.ladder.close(us(40_000)) == ()


def test_who_asks_for_another_key_after_the_confirmation_owes_another_proof(told: Told) -> None:
    told.story.enter()
    told.story.exchange(700)
    told.story.request_key(5_700)
    told.story.offer(5_710)
    assert [row.what for row in told.ladder.close(us(40_000))] == ["Verify-Key"]


def test_what_a_joiner_owed_when_it_was_told_to_leave_is_given_up_then(told: Told) -> None:
    told.story.enter()
    told.story.request_key(700)
    told.story.offer(710)
    told.story.tell_to_leave(15_500)
    told.story.leave(15_510)
    told.story.offer(20_700, sent=False, delivered=False, reason="no route")
    assert [(row.at, row.what) for row in told.rows if row.note == "never came"] == [
        (us(15_500), "Verify-Key")
    ]
    assert told.rows[-1].note == "not sent (no route)"
    assert told.ladder.close(us(40_000)) == ()


def test_what_never_came_is_told_once(told: Told) -> None:
    told.story.enter()
    told.story.request_key(700)
    assert len(told.ladder.close(us(40_000))) == 1
    assert told.ladder.close(us(41_000)) == ()


def test_a_forgotten_device_owes_nothing(told: Told) -> None:
    told.story.enter()
    told.story.request_key(700)
    told.ladder.forget(DEVICE)
    assert told.ladder.close(us(40_000)) == ()


def several() -> Verdict:
    witness = Witness()
    for device, address in ((DEVICE, 0x1234), (OTHER, 0x5678)):
        story = Story(witness.note, device, type(us(0))(address))  # type: ignore[arg-type]
        story.associate()
        story.network_key()
        story.enter(10_000)
        story.request_key(11_000)
        story.reuse(11_000)
    story.leave(11_200)
    witness.miss("the radio was reset")
    return witness.close(us(60_000))


class TestRendering:
    @pytest.mark.parametrize("width", [20, 32, 40, 59, 60, 80, 100, 120])
    def test_nothing_is_wider_than_the_terminal(self, told: Told, width: int) -> None:
        told.story.enter()
        told.story.exchange(700)
        told.story.reuse(1_000)
        lines = [render.plain_heading(width), render.plain_outcome(several(), "sim", width)]
        lines += [render.plain_rung(row, width, tagged=True) for row in told.rows]
        assert max(len(line) for line in "\n".join(lines).splitlines()) <= width

    @pytest.mark.parametrize("width", [40, 60])
    def test_no_word_is_broken_where_forty_columns_are_enough(self, told: Told, width: int) -> None:
        told.story.enter()
        told.story.exchange(700)
        told.story.reuse(1_000)
        wide = [render.plain_rung(row, 400) for row in told.rows] + [
            render.plain_outcome(several(), "sim", 400)
        ]
        narrow = [render.plain_rung(row, width) for row in told.rows]
        narrow.append(render.plain_outcome(several(), "sim", width))
        known = {word.strip("()") for text in wide for word in text.split()}
        found = {word.strip("()") for text in narrow for word in text.split() if set(word) != {"-"}}
        assert {word for word in found if len(word) < 17} <= known

    def test_the_verdict_block_says_all_of_it(self) -> None:
        text = render.plain_outcome(several(), "sim")
        assert text.isascii()
        first, second, *_ = text.splitlines()
        assert "radio: sim" in first
        assert second.startswith("INCONCLUSIVE  ")
        for words in ("tclk.reuse_global", "attempt 1", "attempt 2", "the radio was reset", str(OTHER)):
            assert words in text

    def test_the_terminal_shows_what_the_plain_text_says(self) -> None:
        console = Console(file=io.StringIO(), width=80, no_color=True, force_terminal=False)
        console.print(render.outcome(several(), "sim"))
        assert isinstance(console.file, io.StringIO)
        shown = [line.rstrip() for line in console.file.getvalue().splitlines()]
        assert shown == render.plain_outcome(several(), "sim").splitlines()

    def test_a_terminal_gets_colours_and_arrows(self, told: Told) -> None:
        told.story.enter()
        console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
        console.print(render.rung(told.rows[-1]))
        assert isinstance(console.file, io.StringIO)
        drawn = console.file.getvalue()
        assert "\x1b[" in drawn
        assert "◀──" in drawn

    def test_markup_in_what_a_device_makes_us_say_stays_text(self) -> None:
        row = Row(at=us(0), device=None, direction=Direction.HERE, what="[red]x[/red]")
        assert "[red]x[/red]" in render.rung(row).plain


def test_a_device_of_an_earlier_session_goes_on_with_the_keys_it_has(told: Told) -> None:
    resumed = trace.Resumed(
        at=us(0),
        device=DEVICE,
        address=NwkAddress(0x1234),
        link_key=LinkKeyKind.GLOBAL,
        pending=LinkKeyKind.UNIQUE,
    )
    told.note(resumed)
    told.story.ask_descriptor(700)
    told.story.verify(800)
    told.story.confirm(800)
    *_, last = told.rows
    assert [row.what for row in told.rows if row.ghost] == []
    assert "Node_Desc_rsp (R22)" in [row.what for row in told.rows]
    assert (last.what, last.key) == ("Confirm-Key (SUCCESS)", "NWK + link key (unique)")


def test_a_device_that_is_not_on_the_allow_list_is_a_row_of_its_own(told: Told) -> None:
    told.note(trace.TurnedAway(at=us(5), device=DEVICE))
    (row,) = told.rows
    assert (row.device, row.what) == (DEVICE, "Association Request; denied, not on the allow-list")


def test_who_went_on_from_an_earlier_session_is_named_when_nobody_began_to_join() -> None:
    witness = Witness()
    story = Story(witness.note)
    witness.note(
        trace.Resumed(at=us(0), device=DEVICE, address=NwkAddress(0x1234), link_key=LinkKeyKind.GLOBAL)
    )
    assert witness.close(us(1000)).explanation == "no joiner was heard"
    story.request_key(2_000)
    explanation = witness.close(us(60_000)).explanation
    assert explanation.startswith(f"nobody began to join; {DEVICE} went on from an earlier session")


def test_what_was_to_be_said_while_there_was_no_radio_was_not_sent_and_the_radio_is_named(told: Told) -> None:
    witness = Witness()

    def note(record: trace.Record) -> None:
        told.note(record)
        witness.note(record)

    story = Story(note)
    story.enter(0)
    lost = trace.RadioChanged(at=us(10_000), state=trace.RadioState.LOST, reason="the line was lost")
    note(lost)
    story.tell_to_leave(38_000, delivered=False)
    assert "not sent (there is no radio)" in [row.note for row in told.rows if row.ghost]
    verdict = witness.verdict(DEVICE, us(40_000))
    assert verdict.incomplete == ("the line was lost",)
    assert verdict.explanation == (
        "the radio was gone when the window closed, so the device could not be asked: the line was lost"
    )
