"""Partners of a search: when they begin, what they are told, and that their end harms nobody."""

from __future__ import annotations

import gc
import json
import multiprocessing.process
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest

from hmcos.limits import Limits, Status, Watch, cores
from hmcos.memory.problem import Problem
from hmcos.memory.profile import peak
from hmcos.plan.schedule import Schedule
from hmcos.schedulers.exact.commits import PruningRules
from hmcos.schedulers.exact.descent import Descent
from hmcos.schedulers.exact.effects import Effects
from hmcos.schedulers.exact.joins import join
from hmcos.schedulers.exact.moves import Moves
from hmcos.schedulers.exact.pace import SearchPace
from hmcos.schedulers.exact.pieces import Piece
from hmcos.schedulers.exact.splitting import Line
from hmcos.schedulers.exact.thresholds import Stretch
from hmcos.schedulers.optimal import search
from hmcos.schedulers.partners import partners as beginning
from hmcos.schedulers.partners import processes as running
from hmcos.schedulers.partners.board import Board
from hmcos.schedulers.partners.partner import Assignment, Greeting, Worker, answering, decoded
from hmcos.schedulers.partners.partners import Later, NoPartners, Partners, partners_for
from hmcos.schedulers.partners.processes import Answering, PartnerProcesses, child
from hmcos.schedulers.partners.refutation import Refutation
from hmcos.schedulers.partners.untold import News, Untold, packed, unpacked

LONG = Path(__file__).parents[4] / "benchmarks" / "quality" / "instances" / "randwire-96-s0.json"
RULES = PruningRules(
    commit=False,
    valley_cuts=False,
    stepping=False,
    pace=SearchPace(quick_operators=0, first_round=0, slice=4),
)
"""Rules under which a small network takes a while."""
PARENT = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
import hmcos
from hmcos.limits import Limits, Watch
from hmcos.schedulers.partners import partners, processes
from hmcos.schedulers.optimal import optimal

def begun(call, greeting, **options):
    made = Child(call, greeting, **options)
    print(made._process.pid, flush=True)
    return made

Child, processes.Child, partners.AFTER = processes.Child, begun, 0.0
optimal(hmcos.read_instance(sys.argv[2]), Limits(jobs=3), Watch())
"""


def wired(operators: int, seed: int) -> Problem:
    """Operators that read buffers drawn from the twelve before them, as in a random-wired network."""
    source = Random(seed)
    reads: list[tuple[int, ...]] = []
    for op in range(operators):
        near = range(max(0, op - 11), op + 1)
        reads.append(tuple(sorted(source.sample(near, min(len(near), source.choice((1, 2, 2, 3)))))))
    read = {b for each in reads for b in each}
    return Problem(
        names=("",) * operators,
        sizes=(1,) * (operators + 1),
        inputs=(0,),
        kept=tuple(b for b in range(1, operators + 1) if b not in read),
        reads=tuple(reads),
        makes=tuple((op + 1,) for op in range(operators)),
        may_overwrite=((),) * operators,
        scratch=(0,) * operators,
    )


HARD = wired(60, 1)
LEAST = 15


@dataclass
class Fixed:
    """Partners that know something from the beginning."""

    known: int = 0
    best: Sequence[int] | None = None
    remembered: int = 0
    gave_way: int = 0
    closed: int = 0

    def bound(self, number: int) -> int:
        return self.known

    def order(self, number: int) -> Sequence[int] | None:
        return self.best

    def work_beside(self, number: int, piece: Piece) -> None:
        pass

    def give_way(self) -> None:
        self.gave_way += 1
        self.remembered //= 10

    def close(self) -> None:
        self.closed += 1


@dataclass
class Local:
    """Stands for a process: answers in the thread that asks."""

    answer: Callable[[bytes], bytes]
    is_closed: bool = False

    def ask(self, request: bytes) -> bytes:
        return self.answer(request)

    def stop(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Begun:
    """Remembers the processes that were begun."""

    begin: Callable[[bytes], Answering]
    processes: list[Answering] = field(default_factory=list[Answering])

    def __call__(self, greeting: bytes) -> Answering:
        self.processes.append(self.begin(greeting))
        return self.processes[-1]


def searched(partners: Partners, **limits: int) -> Schedule:
    return search(HARD, Limits(**limits), Watch(), RULES, partners)


def result(found: Schedule) -> tuple[object, ...]:
    return found.order, found.peak, found.lower_bound, found.status


def whole() -> Piece:
    """The hard problem as a piece whose search has just begun."""
    n = HARD.operators
    best = search(HARD, Limits(), Watch(), PruningRules()).order
    piece = Piece(Line(HARD, range(n)), 0, n, range(n), best, peak(HARD, best))
    piece.search = Stretch(HARD, piece.order, piece.peak, RULES)
    for _ in piece.search.step(40):
        pass
    return piece


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def test_who_has_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(partners_for(Limits(jobs=2), RULES), Later)
    assert isinstance(partners_for(Limits(jobs=None), RULES), Later if cores() > 1 else NoPartners)
    assert isinstance(partners_for(Limits(), RULES), NoPartners)
    assert isinstance(partners_for(Limits(jobs=2, budget=1), RULES), NoPartners)
    monkeypatch.setattr(multiprocessing.process, "parent_process", lambda: "another process")
    assert isinstance(partners_for(Limits(jobs=None), RULES), NoPartners)
    assert isinstance(partners_for(Limits(jobs=2), RULES), Later)
    for program in ("", "/opt/editor/editor", None):
        monkeypatch.setattr(sys, "executable", program)
        assert isinstance(partners_for(Limits(jobs=2), RULES), NoPartners)


def test_they_begin_after_a_while() -> None:
    now, made = [0.0], list[Fixed]()

    def begin() -> Fixed:
        made.append(Fixed(known=3, best=(0,), remembered=5))
        return made[0]

    later, piece = Later(begin, 2.0, lambda: now[0]), whole()
    for now[0] in (0.5, 1.9):
        later.work_beside(0, piece)
        assert (later.bound(0), later.order(0), later.remembered, made) == (0, None, 0, [])
    for now[0] in (2.0, 9.0):
        later.work_beside(0, piece)
        assert (later.bound(0), later.order(0), later.remembered, len(made)) == (3, (0,), 5, 1)
    later.close()
    assert made[0].closed == 1


def test_they_never_begin_once_the_search_has_ended() -> None:
    def begin() -> Fixed:
        raise AssertionError

    later = Later(begin, 0.0)
    later.close()
    later.work_beside(0, whole())


def test_a_search_that_ends_soon_starts_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning, "AFTER", 1e9)
    found = search(HARD, Limits(jobs=2), Watch(), RULES)
    assert result(found) == result(searched(NoPartners()))


def test_where_the_address_space_is_limited_there_are_no_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    def limited(kind: int) -> tuple[int, int]:
        return 1 << 40, 1 << 41

    resource = pytest.importorskip("resource", reason="this system has no limits for processes")
    monkeypatch.setattr(resource, "getrlimit", limited)
    monkeypatch.setattr(running, "PartnerProcesses", NotImplemented)
    monkeypatch.setattr(beginning, "AFTER", 0.0)
    found = search(HARD, Limits(jobs=2), Watch(), RULES)
    assert result(found) == result(searched(NoPartners()))


def test_a_proof_of_a_partner_ends_the_search_with_the_same_order() -> None:
    alone, helped = searched(NoPartners()), searched(Fixed(known=LEAST))
    assert result(helped) == result(alone)
    assert alone.peak == LEAST
    assert helped.states < alone.states


def test_a_bound_below_the_peak_changes_nothing_at_all() -> None:
    alone, helped = searched(NoPartners()), searched(Fixed(known=LEAST - 1))
    assert (result(helped), helped.states) == (result(alone), alone.states)


def test_orders_of_partners_count_only_at_a_limit() -> None:
    best, worse = search(HARD, Limits(), Watch(), PruningRules()).order, tuple(range(HARD.operators))
    assert peak(HARD, best) == LEAST
    for order, bound in ((best, LEAST - 1), (best, LEAST), (worse, 1)):
        cut = search(HARD, Limits(), Watch(interrupted=Asked(2).again), RULES, Fixed(bound, order))
        alone = search(HARD, Limits(), Watch(interrupted=Asked(2).again), RULES, NoPartners())
        assert alone.status is Status.INTERRUPTED
        assert peak(HARD, cut.order) == cut.peak == min(alone.peak, peak(HARD, order))
        assert cut.lower_bound == max(alone.lower_bound, bound)
        assert (cut.status is Status.OPTIMAL) == (cut.peak == cut.lower_bound)
        assert alone.peak > LEAST


@dataclass
class Asked:
    """Interrupts a search when it asks for the so-many-th time."""

    times: int

    def again(self) -> bool:
        self.times -= 1
        return self.times < 0


@pytest.mark.parametrize(("remembered", "gave_way"), [(100_000_000, 3), (1_000_000, 1), (10, 0)])
def test_partners_give_way_one_by_one_when_all_states_are_held(remembered: int, gave_way: int) -> None:
    alone = searched(NoPartners())
    partners = Fixed(remembered=remembered)
    helped = searched(partners, states=1_000_000)
    assert (result(helped), helped.states) == (result(alone), alone.states)
    assert (partners.gave_way, partners.closed) == (gave_way, 1)


def test_the_last_partner_gives_way_first_even_if_it_waits() -> None:
    def begin(greeting: bytes) -> Answering:
        answer = answering(greeting)

        def together(request: bytes) -> bytes:
            all_are_asked.wait(60)
            return answer(request)

        return Local(together)

    all_are_asked, begun = threading.Barrier(3), Begun(begin)
    partners = PartnerProcesses(RULES, 3, begun)
    partners.work_beside(0, whole())
    wait_until(lambda: partners.bound(0) == LEAST)
    for still in (2, 1, 0, 0):
        partners.give_way()
        held = [each for each in begun.processes if isinstance(each, Local) and not each.is_closed]
        assert len(held) == still
    assert partners.remembered == 0
    partners.close()


@pytest.mark.parametrize("backward", [True, False])
def test_what_is_refuted_is_told_once(backward: bool) -> None:
    moves = Moves(HARD, join(HARD), backward=backward)
    rules = PruningRules(commit=False, pace=SearchPace(uncut=0))
    untold = Untold(Descent(Effects(moves, 256), LEAST - 1, rules))
    foreign = (1 << len(moves.bits)) - 1 - (1 << 5)
    told: list[int] = []
    decided = None
    for at in range(10_000):
        decided = untold.descent.advance(7)
        told += untold.take()
        if at == 2:
            untold.adopt([foreign])
        if decided is not None:
            break
    assert decided is False
    assert len(told) == len(set(told))
    assert set(told) == set(untold.descent.seen) - {foreign}
    assert all(need >= LEAST for need in untold.descent.seen.values())
    assert unpacked(packed(told, len(moves.bits)), len(moves.bits)) == told


def test_facts_of_others_spare_a_refutation_states() -> None:
    def refuted(partner: int, news: Sequence[News] = ()) -> Refutation:
        made = Refutation(HARD, LEAST, RULES, partner, backward=True)
        for each in news:
            made.adopt(each)
        made.advance(1_000_000)
        assert made.lower_bound == LEAST
        assert made.is_over
        return made

    first = refuted(0)
    told = first.news()
    assert refuted(1).states > 10 * refuted(1, [told]).states
    lower = News(told.threshold - 1, told.backward, told.states)
    other = News(told.threshold, not told.backward, told.states)
    assert refuted(1, [lower, other]).states == refuted(1).states
    assert refuted(1, [News(told.threshold + 1, told.backward, told.states)]).states < refuted(1).states


def test_a_refutation_above_the_optimum_goes_on_below_the_orders_that_it_finds() -> None:
    first = peak(HARD, range(HARD.operators))
    made = Refutation(HARD, first + 5, RULES, 0, backward=True)
    made.lower(first)
    assert made.order is None
    made.advance(1_000_000)
    assert made.order is not None
    assert peak(HARD, made.order) == made.peak == made.lower_bound == LEAST
    made.lower(LEAST)
    assert made.order is not None


@pytest.mark.parametrize("backward", [True, False])
def test_a_refutation_ends_where_a_floor_is_reached(backward: bool) -> None:
    made = Refutation(replace(HARD, floor=LEAST + 1), LEAST + 3, RULES, 0, backward=backward)
    made.advance(1_000_000)
    assert made.is_over
    assert made.peak == made.lower_bound == LEAST + 1


@pytest.mark.slow
def test_a_process_proves_a_piece(capfd: pytest.CaptureFixture[str]) -> None:
    process = child(pickle.dumps(Greeting(RULES, 0)))
    finding = decoded(process.ask(pickle.dumps(Assignment(0, HARD, LEAST + 3, True, ()))))
    assert finding.lower_bound == finding.peak == LEAST
    assert finding.order is not None
    assert peak(HARD, finding.order) == LEAST
    assert finding.news.states
    with pytest.raises(Exception, match="AttributeError"):
        process.ask(pickle.dumps(None))
    process.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_processes_prove_what_the_search_has_found() -> None:
    piece, alone = whole(), searched(NoPartners())
    partners = PartnerProcesses(RULES, 2)
    partners.work_beside(0, piece)
    wait_until(lambda: partners.bound(0) == LEAST)
    assert partners.bound(1) == 0
    assert partners.order(1) is None
    assert result(searched(partners)) == result(alone)
    assert partners.remembered == 0


@pytest.mark.slow
def test_killed_partners_are_not_missed(capfd: pytest.CaptureFixture[str]) -> None:
    begun = Begun(child)
    partners = PartnerProcesses(RULES, 2, begun)
    wait_until(lambda: len(begun.processes) == 2)
    for process in begun.processes:
        process.stop()
    assert result(searched(partners)) == result(searched(NoPartners()))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [OSError("no process"), ValueError("whatever")])
def test_partners_that_cannot_begin_are_not_missed(error: Exception) -> None:
    def begin(greeting: bytes) -> Answering:
        raise error

    assert result(searched(PartnerProcesses(RULES, 2, begin))) == result(searched(NoPartners()))


@pytest.mark.parametrize("answer", [b"", b"[]\n", b'[1, 2, null, 3, 4, 5, true, "more"]\n'])
def test_what_is_no_answer_ends_a_partner(answer: bytes) -> None:
    begun = Begun(lambda greeting: Local(lambda request: answer))
    partners = PartnerProcesses(RULES, 1, begun)
    partners.work_beside(0, whole())
    wait_until(lambda: any(isinstance(each, Local) and each.is_closed for each in begun.processes))
    assert partners.bound(0) == 0
    partners.close()


def test_where_no_thread_can_start_there_are_no_partners(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("daemon threads are disabled in this interpreter")

    monkeypatch.setattr(threading, "Thread", refused)
    assert result(searched(PartnerProcesses(RULES, 2))) == result(searched(NoPartners()))


def test_an_interruption_while_they_begin_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(threading.Thread):
        def start(self) -> None:
            if threads:
                raise KeyboardInterrupt
            threads.append(self)
            super().start()

    threads: list[threading.Thread] = []
    monkeypatch.setattr(threading, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        PartnerProcesses(RULES, 2, lambda greeting: Local(bytes))
    wait_until(lambda: not threads[0].is_alive())


def test_partners_that_wait_end_even_if_the_end_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(condition: threading.Condition) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "_GRACE", 0.01)
    begun = Begun(lambda greeting: Local(bytes))
    partners = PartnerProcesses(RULES, 2, begun)
    wait_until(lambda: len(begun.processes) == 2)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Condition, "notify_all", interrupted)
        with pytest.raises(KeyboardInterrupt):
            partners.close()
    wait_until(lambda: all(isinstance(each, Local) and each.is_closed for each in begun.processes))


def test_nothing_is_kept_for_partners_that_ended_or_have_nothing_to_do() -> None:
    piece, board, worker = whole(), Board(2, told=1), Worker(RULES, 0)
    before = news_held()
    board.leave(1)
    go_on(piece)
    board.tell(0, piece)
    first = board.assignment(0)
    assert first is not None
    assert first.news
    assert news_held() == before + len(first.news)
    board.take(0, 0, worker.work(first, 1_000_000))
    assert board.pieces[0].is_proved
    go_on(piece)
    assert not board.has_something_new(0, piece)
    board.tell(0, piece)
    assert news_held() == before + len(first.news)
    assert board.has_something_new(1, piece)
    board.leave(0)
    assert not board.has_something_new(1, piece)


def test_what_is_found_about_an_earlier_piece_is_not_told_about_the_next() -> None:
    earlier, later, board = whole(), whole(), Board(2)
    board.tell(0, earlier)
    assignment = board.assignment(0)
    assert assignment is not None
    board.tell(1, later)
    finding = Worker(RULES, 0).work(assignment, 20)
    assert finding.news.states
    board.take(0, assignment.number, finding)
    other = board.assignment(1)
    assert other is not None
    assert (other.number, other.news) == (1, ())


def go_on(piece: Piece) -> None:
    """Search a piece below its best peak for some more states."""
    assert piece.search is not None
    end = piece.states + 40
    piece.turns = piece.search.meet()
    while piece.states < end:
        next(piece.turns)


def news_held() -> int:
    gc.collect()
    return sum(isinstance(each, News) for each in gc.get_objects())


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the state of a process is read from /proc")
def test_they_die_with_the_main_process() -> None:
    command = [sys.executable, "-c", PARENT, json.dumps(sys.path), str(LONG)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    numbers = [int(parent.stdout.readline()) for _ in range(2)]
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    wait_until(lambda: all(map(_is_gone, numbers)))


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return True
    return "State:\tZ" in Path(f"/proc/{process}/status").read_text()
