"""Sentences: what the joiner saw, and what the Trust Center saw of it."""

from __future__ import annotations

from coordinator.codec.security_header import KeyIdentifier
from coordinator.evidence.attempts import Offer, Removal, Repeated, Trail
from coordinator.evidence.outcome import Step
from coordinator.primitives.describe import ASSOCIATION, STATUSES
from coordinator.types import MILLISECOND, SECOND, Duration, Instant, LinkKeyKind, hex16


def span(duration: Duration) -> str:
    """A span as one says it: ``0.8 ms``, ``214 ms``, ``15.0 s``."""
    if duration < 10 * MILLISECOND:
        return f"{duration / MILLISECOND:.1f} ms"
    if duration < SECOND:
        return f"{duration / MILLISECOND:.0f} ms"
    return f"{duration / SECOND:.1f} s"


def times(count: int) -> str:
    """A count as one says it: ``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def left(trail: Trail, at: Instant) -> str:
    """Why a joiner that left on its own may have done so: the last it saw."""
    since, sight = _last_sight(trail)
    rejoin = " (it said that it would rejoin)" if trail.left_to_rejoin else ""
    return f"left {span(at - since)} after {sight}{rejoin}"


def removed(trail: Trail, removal: Removal) -> str:
    """How, when and why we told a joiner to leave, and what it did."""
    if trail.network_key is not None:
        since, sight = trail.network_key.first, "its network key"
    else:
        since, sight = _began(trail), "it associated"
    reason, key = "", "a link key"
    if trail.timed_out is not None:
        reason, key = " because bdbTrustCenterNodeJoinTimeout ran out with no verified link key", "one"
    return (
        f"told to leave ({removal.form}) {span(removal.first - since)} after {sight}{reason}; "
        f"{_exchange(trail, key)}; {_obeyed(trail, removal)}"
    )


def joined_secure(trail: Trail, verified: Offer | None, confirmed: Instant, at: Instant) -> str:
    """Which key was verified, and when; `at` the window closed."""
    since = span(confirmed - _began(trail))
    return f"verified {_key(verified)} {since} after it associated, and {_stayed(trail, at)}"


def joined_legacy(trail: Trail, at: Instant) -> str:
    """What became of the key exchange of a joiner that stayed without one; `at` the window closed."""
    exchange = _exchange(trail, "a link key")
    return f"joined with the network key alone: {exchange}; it {_stayed(trail, at)}"


def never_authenticated(trail: Trail) -> str:
    """What a joiner was sent that never used the network key."""
    if trail.network_key is None:
        sent = "associated and was never sent a network key"
    else:
        how = "in the clear" if trail.network_key_protection is None else _under(trail.network_key_protection)
        unheard = ", never acknowledged" if trail.network_key.delivered is False else ""
        sent = f"was sent its network key {times(trail.network_key.count)} {how}{unheard}"
    since = trail.superseded - _began(trail) if trail.superseded is not None else 0
    again = f"; it associated again {span(since)} later" if since else ""
    gave_up = f"; the Trust Center gave it up ({trail.removal.form})" if trail.removal is not None else ""
    return f"{sent}, and no frame secured with it was ever heard{gave_up}{again}"


def not_associated(trail: Trail) -> str:
    """How an association request was answered."""
    asked = "asked to associate" if trail.asked <= 1 else f"asked to associate {times(trail.asked)}"
    response = trail.response
    if response is None:
        return f"{asked} and was not answered"
    if response.status != 0:
        status = ASSOCIATION.get(response.status, f"status 0x{response.status:02x}")
        unfetched = ", an answer it never fetched" if response.delivered is False else ""
        return f"{asked} and was refused ({status}){unfetched}"
    return f"{asked} and never fetched the Association Response"


def silent(trail: Trail, at: Instant) -> str:
    """By what it is known that a joiner is gone without a word."""
    since = span(trail.last_contact - _began(trail))
    if trail.undelivered is not None and trail.undelivered > trail.last_contact:
        proof = "a later frame to it was not acknowledged"
    else:
        silence = span(at - trail.last_contact)
        if trail.sleepy:
            proof = f"it has not polled in the {silence} since"
        elif trail.router:
            proof = f"no frame of this router in the {silence} since, link status neither"
        else:
            proof = f"nothing was heard of it in the {silence} since"
    return f"fell silent without a leave: last known of {since} after it associated, and {proof}"


def silent_when_removed(trail: Trail, removal: Removal) -> str:
    """A joiner that was told to leave when it was gone already, nobody knows how."""
    began = _began(trail)
    return (
        f"fell silent without a leave: last known of {span(trail.last_contact - began)} after it associated; "
        f"the request to leave ({removal.form}) at {span(removal.first - began)} was not acknowledged, "
        f"and nothing was heard of it since"
    )


def began_anew(trail: Trail, again: Instant) -> str:
    """A joiner that was in the network associated once more."""
    return f"associated again {span(again - _began(trail))} after the first time, without having left"


def too_early(trail: Trail, since: Instant, at: Instant) -> str:
    """The window closed at `at` while something was still to come; the last of it was seen at `since`."""
    return f"the window closed {span(at - since)} after {_reached(trail)}, too early to tell"


def unproven(trail: Trail) -> str:
    """A Confirm-Key of which nobody knows whether it arrived."""
    return f"did not acknowledge its Confirm-Key SUCCESS: whether it took {_key(trail.offer)} is unknown"


def _last_sight(trail: Trail) -> tuple[Instant, str]:
    """What the joiner saw last of the join, and when."""
    if trail.permit is not None and trail.reached is Step.PERMIT_JOINING:
        return trail.permit, "its Mgmt_Permit_Joining_req, with which it had finished"
    if trail.confirm is not None:
        return trail.confirm.last, f"a Confirm-Key with status {status(trail.confirm.status)}"
    if trail.verify is not None:
        return trail.verify.last, _unanswered(trail.verify, "Verify-Key", "confirmed")
    if trail.offer is not None:
        unheard = " (not acknowledged)" if trail.offer.delivered is False else ""
        return trail.offer.last, f"a Transport-Key carrying {_key(trail.offer)}{unheard}"
    if trail.request_key is not None:
        return trail.request_key.last, _unanswered(trail.request_key, "Request-Key", "answered")
    if trail.descriptor_asked is not None:
        return _descriptor_sight(trail, trail.descriptor_asked)
    if trail.announced is not None:
        return trail.announced.last, "its Device_annce, having asked for nothing"
    if trail.network_key is not None:
        return trail.network_key.last, "its network key, without announcing itself"
    return _began(trail), "it associated"


def _descriptor_sight(trail: Trail, asked: Repeated) -> tuple[Instant, str]:
    if trail.descriptor_reply is None:
        return asked.last, _unanswered(asked, "Node_Desc_req", "answered")
    if trail.descriptor_status:
        return trail.descriptor_reply, f"a Node_Desc_rsp with status 0x{trail.descriptor_status:02x}"
    return trail.descriptor_reply, "our Node_Desc_rsp, without asking for a link key"


def _exchange(trail: Trail, key: str) -> str:
    """How far the exchange of `key` came, as part of a sentence about a joiner that has none."""
    if trail.confirm is not None:
        if trail.confirm.success is not None:
            return "it had been sent a Confirm-Key SUCCESS"
        return f"its Verify-Key was answered with a Confirm-Key of status {status(trail.confirm.status)}"
    if trail.verify is not None:
        return f"it sent Verify-Key {times(trail.verify.count)} and was never confirmed"
    if trail.offer is not None:
        return f"it had been given {_key(trail.offer)} and sent no Verify-Key"
    if trail.request_key is not None:
        return f"it had asked for {key} {times(trail.request_key.count)} and was not answered"
    if trail.descriptor_asked is not None and trail.descriptor_reply is None:
        return f"it had never asked for {key}: its Node_Desc_req was not answered"
    return f"it had never asked for {key}"


def _obeyed(trail: Trail, removal: Removal) -> str:
    if trail.left is not None:
        return f"it left {span(trail.left - removal.first)} later"
    unheard = removal.delivered is False
    heard_after = trail.last_heard - removal.last
    if heard_after > SECOND:
        acknowledged = "was never acknowledged" if unheard else "was not obeyed"
        return f"the request {acknowledged}, and it was still heard {span(heard_after)} later"
    return "no leave was heard from it"


def _unanswered(asked: Repeated, what: str, answered: str) -> str:
    if asked.count == 1:
        return f"its {what}, which was not {answered}"
    return f"the last of its {asked.count} {what}s, none of which was {answered}"


def _key(offer: Offer | None) -> str:
    if offer is None:
        return "a link key that was not sent in this attempt"
    if offer.known:
        owner = {
            LinkKeyKind.GLOBAL: " (ZigBeeAlliance09)",
            LinkKeyKind.INSTALL_CODE: " (its install code's)",
        }.get(offer.kind, "")
        return f"the key it already had{owner}"
    if offer.kind is LinkKeyKind.GLOBAL:
        return "the global key (ZigBeeAlliance09)"
    if offer.previous:
        return "the unique key of an earlier attempt"
    return "a fresh unique key" if offer.kind is LinkKeyKind.UNIQUE else "its install code's key"


def _stayed(trail: Trail, at: Instant) -> str:
    return f"was still there {span(at - trail.last_contact)} before the window closed"


def _under(protection: KeyIdentifier) -> str:
    return f"under the {protection.name.lower().replace('_', '-')} key"


def _reached(trail: Trail) -> str:
    address = f" (as {hex16(trail.address)})" if trail.address is not None else ""
    return {
        Step.ASSOCIATION: "it asked to associate" if trail.associated is None else f"it associated{address}",
        Step.NETWORK_KEY: "its network key was sent",
        Step.ANNOUNCE: "its Device_annce",
        Step.NODE_DESCRIPTOR: "its Node_Desc_req",
        Step.REQUEST_KEY: "its Request-Key",
        Step.TRANSPORT_LINK_KEY: "its link key was sent",
        Step.VERIFY_KEY: "its Verify-Key",
        Step.CONFIRM_KEY: "its Confirm-Key was sent",
    }.get(trail.reached, "its last step")


def _began(trail: Trail) -> Instant:
    return trail.associated if trail.associated is not None else trail.started


def status(value: int) -> str:
    """A Confirm-Key status by its name, if it has one."""
    name = STATUSES.get(value)
    return f"0x{value:02x}" if name is None else name if value == 0 else f"{name} (0x{value:02x})"
