"""What the doctor says of the models."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from bot.console.checks import Check, Verdict
from bot.console.models import models as check_models
from bot.settings import GatewaySettings
from storage import models, vault
from storage.clock import utc_now
from storage.database import Database
from storage.migrations.run import upgrade
from storage.models import ModelKind, RegisteredModel
from tests.bot.model_endpoint import KEY, Served, endpoint
from tests.storage.weights import QWEN_1_5B, model_folder


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with endpoint() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> GatewaySettings:
    made = GatewaySettings(home=tmp_path)
    upgrade(made.sql_url)
    return made


def keep(settings: GatewaySettings, *several: RegisteredModel, scope: str = "") -> None:
    def work(session: Session) -> None:
        for each in several:
            models.add(session, each, utc_now())
        if scope:
            models.rule(session, scope, utc_now(), is_allowed=True)

    database = Database(settings.sql_url)
    database.write_now(work)
    database.close()


def remote(settings: GatewaySettings, address: str, key: str) -> RegisteredModel:
    model = RegisteredModel("cloud", ModelKind.OPENAI, address, model="coder-big")
    sealed = models.sealed(vault.checkout_keys(settings.home, None), model, key)
    return RegisteredModel("cloud", ModelKind.OPENAI, address, model="coder-big", sealed_key=sealed)


def folder(path: Path) -> RegisteredModel:
    return RegisteredModel("coder", ModelKind.LOCAL, str(path))


async def test_without_a_database_nothing_is_known_and_nothing_wrong(tmp_path: Path) -> None:
    check = await check_models(GatewaySettings(home=tmp_path))
    assert (check.name, check.verdict) == ("models", Verdict.OFF)


async def test_without_a_model_the_way_to_one_is_named(settings: GatewaySettings) -> None:
    check = await check_models(settings)
    assert check.verdict is Verdict.MISSING
    assert check.remedy.startswith("gryph model add NAME --local DIR")


async def test_a_folder_and_an_endpoint_that_answers_are_fine_and_no_weights_are_loaded(
    settings: GatewaySettings, served: Served, tmp_path: Path
) -> None:
    served.heard.clear()
    local = folder(model_folder(tmp_path / "qwen", QWEN_1_5B))
    keep(settings, local, remote(settings, served.url, KEY), scope="slack:T1")
    assert await check_models(settings) == Check(
        "models",
        Verdict.OK,
        "coder: ready (medium, 1.54B, bf16 in 5.0 GB); cloud: answers (on the premises). "
        "Code may leave: slack:T1",
    )
    assert served.heard == ["GET /v1/models"]


@pytest.mark.parametrize(
    ("end", "key", "told"),
    [("", "k-wrong-4711", "does not take the key (401)"), ("9", KEY, "does not answer")],
)
async def test_an_endpoint_that_does_not_work_is_broken_and_its_key_not_shown(
    settings: GatewaySettings, served: Served, end: str, key: str, told: str
) -> None:
    address = "http://127.0.0.1:9/v1" if end else served.url
    keep(settings, remote(settings, address, key))
    check = await check_models(settings)
    assert (check.verdict, check.remedy) == (Verdict.BROKEN, "gryph model test cloud")
    assert told in check.found
    assert key not in repr(check)


async def test_only_remote_models_that_nobody_may_use_are_not_enough(
    settings: GatewaySettings, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.models.is_on_premises", "far".__eq__)
    keep(settings, remote(settings, served.url, KEY))
    check = await check_models(settings)
    assert (check.verdict, "nowhere" in check.found) == (Verdict.MISSING, True)
    assert "gryph model allow-remote" in check.remedy


async def test_a_folder_that_is_gone_is_broken_but_may_be_elsewhere_with_more_machines(
    settings: GatewaySettings, tmp_path: Path
) -> None:
    keep(settings, folder(tmp_path / "gone"))
    assert (await check_models(settings)).verdict is Verdict.BROKEN
    many = GatewaySettings(home=tmp_path, database_url=settings.sql_url)
    check = await check_models(many)
    assert (check.verdict, "not on this machine" in check.found) == (Verdict.OK, True)
