"""The one place that builds the real things and hands them on. Nothing is built at import time."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from bot import catalogue, ocr, speech
from bot.bell import BellRope, connect
from bot.delivery import Courier
from bot.links import Links
from bot.media import MediaStore
from bot.protocol import Gate
from bot.reading import Reader
from bot.reception import Reception
from bot.understanding import Understanding
from bot.ways import Ways
from bot.wechat import WeChat
from bot.wecom import WeCom
from cases.city import CityCache
from cases.erasure import Forgetting
from cases.retention import Retention
from cases.similar import Similar
from cases.storage import Store, build_engine
from cases.tombstones import Tombstones
from cases.vault import Vault
from cases.worktime import Worktime

if TYPE_CHECKING:
    from redis import Redis

    from settings import Settings


def utc_now() -> datetime:
    """Return the present moment, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class House:
    """Everything that one process works with."""

    settings: Settings
    store: Store
    cities: CityCache
    understanding: Understanding
    bell: BellRope
    gate: Gate
    reception: Reception
    wechat: WeChat
    media: MediaStore
    courier: Courier
    reader: Reader
    links: Links
    similar: Similar
    redis: Redis
    vault: Vault
    wecom: WeCom | None
    forgetting: Forgetting
    retention: Retention

    def warm_up(self) -> None:
        """Load now what would make the first message slow: segmenter, models, calendar, city, decided cases."""
        self.understanding.warm_up()
        Worktime().add(utc_now(), 1)
        with suppress(SQLAlchemyError, LookupError), self.store.read() as book:
            self.similar.to(book, self.cities.current(book), "路灯坏了")


def build(settings: Settings) -> House:
    """Build the house. Connections are made at first use, so a server may fork after this."""
    redis = connect(settings.redis_url)
    bell = BellRope(redis)
    vault = Vault(*settings.data_keys)
    store = Store(build_engine(settings.database_url, vault), ring=bell.ring)
    cities = CityCache(catalogue.use)
    understanding = Understanding(settings.models_dir)
    wechat = WeChat(settings, redis)
    media = MediaStore(settings.media_url)
    links = Links(settings.signing_key, settings.public_url)
    hearing = speech.engine_for(settings.speech_model, settings.data_dir / "speech")
    photos = ocr.engine_for(settings.ocr)
    reader = Reader(store, cities, understanding, media, links, hearing, photos, utc_now)
    forgetting = Forgetting(store, media.remove, Tombstones(settings.erasures_file, vault))
    return House(
        settings=settings,
        store=store,
        cities=cities,
        understanding=understanding,
        bell=bell,
        gate=Gate(settings),
        reception=Reception(store, cities, understanding, links),
        wechat=wechat,
        media=media,
        courier=Courier(store, wechat, media, Ways(settings, cities, links), utc_now, readable=reader.kinds),
        reader=reader,
        links=links,
        similar=Similar(understanding.matters_model),
        redis=redis,
        vault=vault,
        wecom=WeCom(settings, redis) if settings.wecom_corp_id else None,
        forgetting=forgetting,
        retention=Retention(store, forgetting, media.files, media.remove, settings.retention),
    )
