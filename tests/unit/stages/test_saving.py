from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from time import perf_counter

import pytest

from hmcos import api
from hmcos.errors import OutputError, VerifyError
from hmcos.frontends import loading
from hmcos.memory.target import load_target
from hmcos.plan.limits import SILENCE, Limits
from hmcos.plan.plan import Plan
from hmcos.stages.lowering import Network, lower_network
from hmcos.stages.opening import Opened, open_source
from hmcos.stages.places import output_places
from hmcos.stages.saving import save
from hmcos.stages.verification import verify_plan_of
from hmcos.zoo.catalogue import build


@pytest.fixture(scope="module")
def opened() -> Opened:
    return open_source(build("nasnet", cells=1, filters=4))


@pytest.fixture(scope="module")
def plan(opened: Opened) -> Plan:
    return api.schedule(opened.content)


@pytest.fixture(scope="module")
def network(opened: Opened) -> Network:
    return lower_network(opened, load_target("default"), None, Limits(), SILENCE)


def test_a_failure_while_the_model_is_written_leaves_nothing(
    tmp_path: Path, opened: Opened, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(model: object, orders: object, path: Path, arena: object) -> None:
        path.write_bytes(b"half of it")
        raise OutputError("disk full")

    monkeypatch.setattr(loading, "save", fail)
    with pytest.raises(OutputError, match="disk full"):
        save(plan, opened, output_places(opened, tmp_path / "a" / "b"), perf_counter())
    assert list(tmp_path.iterdir()) == []


def test_a_second_interruption_while_saving_leaves_nothing(
    tmp_path: Path, opened: Opened, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press(model: object, orders: object, path: Path, arena: object) -> None:
        path.write_bytes(b"all of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(loading, "save", press)
    (tmp_path / "out").mkdir()
    with pytest.raises(KeyboardInterrupt):
        save(plan, opened, output_places(opened, tmp_path / "out"), perf_counter())
    assert list((tmp_path / "out").iterdir()) == []


def test_a_folder_where_a_file_has_to_go_is_refused_before_any_search(tmp_path: Path, opened: Opened) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(OutputError, match=r"plan\.json: is a folder"):
        output_places(opened, tmp_path)


def test_the_verifier_accepts_what_the_search_found(network: Network, plan: Plan) -> None:
    verify_plan_of(network, plan)


def test_the_verifier_refuses_a_claim_of_less(network: Network, plan: Plan) -> None:
    less = replace(plan, schedule=replace(plan.schedule, peak=plan.peak - 1))
    with pytest.raises(VerifyError):
        verify_plan_of(network, less)


def test_the_verifier_refuses_an_order_that_cannot_run(network: Network, plan: Plan) -> None:
    with pytest.raises(VerifyError):
        verify_plan_of(network, replace(plan, order=plan.order[::-1]))


def test_nothing_is_written_when_the_verifier_objects(
    tmp_path: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    def object_to(network: Network, plan: Plan) -> None:
        raise VerifyError("no")

    monkeypatch.setattr(api, "verify_plan_of", object_to)
    with pytest.raises(VerifyError):
        api.schedule(opened.content, output=tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
