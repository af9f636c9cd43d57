"""The digests: how many were right, which were wrong, and why. No secret can get here: the records hold none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rich.text import Text

from analyzer.register.digest_ledger import DigestRecord
from analyzer.views import ViewOptions
from analyzer.views.drawing.canvas import BAD, DIM, GOOD, STRONG, WARN, Canvas, widest
from analyzer.views.states import ClientSummary
from analyzer.views.words import count, listed, place_words, possessive, times

MOST_ROWS = 20
MOST_NAMES = 3
OTHER_FORM = "other-form"
VERDICTS = {
    "mismatch": ("✗ wrong", BAD),
    OTHER_FORM: ("! other form", BAD),
    "unknown": ("? not known", WARN),
    "match": ("✓ right", GOOD),
}
_ANOTHER_FORM = "right, but in a form that was not asked for"
_User = tuple[str, str]
_RIGHT = ("the response is right for the password known", "the response is right for the HA1 known")


@dataclass(slots=True)
class Row:
    """The digests of one user in one realm with one verdict and one reason; right in a form that was not asked for is
    a verdict of its own."""

    first: DigestRecord
    verdict: str = "match"
    number: int = 0
    accepted: Counter[bool | None] = field(default_factory=Counter)

    def take(self, record: DigestRecord) -> None:
        """Count one more."""
        self.number += 1
        self.accepted[record.accepted] += 1


def rows_of(records: Iterable[DigestRecord]) -> list[Row]:
    """One row for each distinct (user name, realm, verdict, reason): wrong, not known, right."""
    rows: dict[tuple[str, ...], Row] = {}
    for record in records:
        verdict = OTHER_FORM if record.is_right_in_another_form else record.verdict
        key = (record.username, record.realm, verdict, reason_of(record))
        rows.setdefault(key, Row(record, verdict)).take(record)
    order = list(VERDICTS)
    return sorted(rows.values(), key=lambda row: (order.index(row.verdict), -row.number))


def reason_of(record: DigestRecord) -> str:
    """Why, without the account of what was tried; nothing where the verdict says it all."""
    reason = record.judged.reason
    if record.is_right_in_another_form:
        return f"{_ANOTHER_FORM}: {record.form.reason}"
    if record.verdict == "match":
        return "" if reason in _RIGHT else reason
    though = " (the password is right)" if record.password_is_right else ""
    return reason.split(" (tried ", 1)[0] + though


def draw_digests(canvas: Canvas, clients: ClientSummary, options: ViewOptions) -> None:
    """The sentence, and the rows that need a look; all of them for `verify-digest`."""
    report = clients.report
    total = sum(report.summary.digests.values())
    asked = options.leads_with == "digests"
    if not total:
        if asked or report.secrets_given:
            canvas.gap()
            canvas.line("No digest response was seen: there was no password to check.")
        return
    if not report.secrets_given:
        canvas.gap()
        for sentence in _unchecked(total, report.summary.no_password):
            canvas.line(sentence)
        return
    rows = [row for row in rows_of(report.digests) if asked or options.all or row.verdict != "match"]
    canvas.gap()
    if asked and report.digests:
        canvas.line((passwords(report.digests), BAD if report.summary.digests["mismatch"] else STRONG))
    canvas.line(checked(report.summary.digests, report.summary.other_form))
    _draw_rows(canvas, clients, rows if options.all else rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS and not options.all:
        canvas.line((f"and {len(rows) - MOST_ROWS:,} more (--all lists them)", DIM), indent=2)


def _unchecked(total: int, no_password: int) -> Iterator[str]:
    """What was not checked, and whether a password would help: not with what a SIM computes."""
    if total > no_password:
        yield f"{_were(total - no_password)} not checked: no password given (--credentials FILE)."
    if no_password:
        yield f"{_were(no_password)} not checked: a SIM answers there, and no password (RFC 3310)."


def _were(number: int) -> str:
    return f"{count(number, 'digest')} {'was' if number == 1 else 'were'}"


def checked(verdicts: Counter[str], other_form: int = 0) -> str:
    """`24 responses checked: 22 right, 2 wrong.` `other_form` of the right ones have a form that was not asked for."""
    total = sum(verdicts.values())
    number = {**verdicts, "match": verdicts["match"] - other_form, OTHER_FORM: other_form}
    named = (("match", "right"), (OTHER_FORM, _ANOTHER_FORM), ("mismatch", "wrong"), ("unknown", "not known"))
    parts = [f"{number[verdict]:,} {word}" for verdict, word in named if number.get(verdict)]
    if len(parts) == 1:
        alone = parts[0].split(" ", 1)[1]
        return f"{count(total, 'response')} checked: {'all ' if total > 1 else ''}{alone}."
    return f"{count(total, 'response')} checked: {', '.join(parts)}."


def passwords(records: Iterable[DigestRecord]) -> str:
    """The sentence of `verify-digest`: `2 of 3 passwords are right; alice's does not match.` Which of the two is wrong,
    the phone's password or the one given, or what else the phone hashes, the rows below say as far as it is known."""
    verdicts: dict[tuple[str, str], set[str]] = {}
    other_form: dict[tuple[str, str], None] = {}
    miscomputed: dict[tuple[str, str], None] = {}
    for record in records:
        user, verdict = (record.username, record.realm), record.verdict
        if record.is_right_in_another_form:
            other_form[user] = None
        elif record.password_is_right and verdict == "mismatch":
            miscomputed[user], verdict = None, "match"
        verdicts.setdefault(user, set()).add(verdict)
    known = {user: seen - {"unknown"} for user, seen in verdicts.items() if seen - {"unknown"}}
    right = [user for user, seen in known.items() if seen == {"match"}]
    wrong = [user for user, seen in known.items() if seen == {"mismatch"}]
    mixed = [user for user, seen in known.items() if len(seen) > 1]
    unknown = len(verdicts) - len(known)
    parts = list(_judged(right, wrong, mixed))
    if unknown:
        parts.append(f"for {count(unknown, 'user')} there is no verdict" if parts else "No password could be judged")
    for users, verb, what in (
        (list(miscomputed), "compute", "the response wrongly"),
        (list(other_form), "answer", "in a form that was not asked for"),
    ):
        if users:
            one = len(users) == 1
            parts.append(f"{_whose(users)} {'phone' if one else 'phones'} {verb}{'s' if one else ''} {what}")
    return "; ".join(parts) + "."


def _judged(right: list[_User], wrong: list[_User], mixed: list[_User]) -> Iterator[str]:
    total = len(right) + len(wrong) + len(mixed)
    if total == 1:
        if wrong:
            yield f"{_whose(wrong)} digest does not match the password given"
        parts = ((right, "right"), (mixed, "right in some responses and wrong in others"))
        yield from (f"{_whose(users)} password is {word}" for users, word in parts if users)
        return
    if len(right) == total > 0:
        yield f"{'Both' if total == 2 else f'All {total:,}'} passwords are right"
        return
    if len(wrong) == total > 0:
        yield f"{'Neither' if total == 2 else f'None of the {total:,}'} password{'s' * (total > 2)} matches the digests"
        return
    if total:
        yield f"{len(right):,} of {total:,} passwords {_are(right)} right"
    if wrong:
        yield f"{_whose(wrong)} {'does' if len(wrong) == 1 else 'do'} not match"
    if mixed:
        yield f"{_whose(mixed)} {_are(mixed)} right in some responses and wrong in others"


def _are(users: list[_User]) -> str:
    return "is" if len(users) == 1 else "are"


def _whose(users: list[_User]) -> str:
    names = [possessive(name or "the nameless user") for name, _ in users]
    return listed(names) if len(names) <= MOST_NAMES else f"{len(names):,}"


def _draw_rows(canvas: Canvas, clients: ClientSummary, rows: list[Row]) -> None:
    if not rows:
        return
    labels = [canvas.text(VERDICTS[row.verdict]) for row in rows]
    users = [_user(canvas, row.first, 48 if canvas.wide else canvas.width // 3) for row in rows]
    places = [place_words(row.first.place) for row in rows]
    first = widest([label.plain for label in labels], 12)
    name = widest([user.plain for user in users], canvas.width)
    last = widest(places, canvas.width)
    left = canvas.width - 2 - first - 2 - name - 2 - 2 - last
    for label, user, place, row in zip(labels, users, places, rows, strict=True):
        file = canvas.cut(clients.file(row.first.place), 56)
        reason = " ".join(part for part in (canvas.cut(reason_of(row.first), 3 * canvas.width), file) if part)
        if canvas.wide:
            words = f"{_count(row)}{': ' if reason else ''}{reason}"
            canvas.columns([label, user, words, (place, DIM)], [first, name, left, last])
            continue
        canvas.columns([label, user, _count(row), (place, DIM)], [first, name, left, last])
        if reason:
            canvas.line(reason, indent=4 + first)


def _user(canvas: Canvas, record: DigestRecord, width: int) -> Text:
    name = canvas.cut(record.judged.username or record.username or "(no name)", width * 3 // 5)
    realm = canvas.cut(record.realm, width - len(name) - 4) if record.realm else ""
    return canvas.text((name, STRONG), f" in {realm}" if realm else "")


def _count(row: Row) -> str:
    """How often, and what the registrar made of it; what it ought not to have made of it is said aloud."""
    accepted, refused, untold = row.accepted[True], row.accepted[False], row.accepted[None]
    right = row.verdict == "match"
    parts = []
    if accepted:
        parts.append(("accepted all the same" if row.first.verdict == "mismatch" else "accepted", accepted))
    if refused:
        parts.append(("refused all the same" if right else "refused", refused))
    if untold:
        parts.append(("without a decision", untold))
    if len(parts) == 1:
        return f"{times(row.number)}, {parts[0][0]}"
    return f"{times(row.number)}: {', '.join(f'{number:,} {word}' for word, number in parts)}"
