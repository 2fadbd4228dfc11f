"""People who never lived, with everything that tells who somebody is."""

from __future__ import annotations

import random
from dataclasses import dataclass

SURNAMES = ["欧阳", "司马", "诸葛", "上官", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐"]
GIVEN = ["瑾瑜", "澹宁", "钰婷", "翊宸", "曦玥", "昕妤", "煊赫", "琬琰", "霁月", "骁骐", "珞珈", "衡芷"]
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"
COUNTIES = ("370102", "370103", "370104", "370105")
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
PLACES = ("翠湖小区3栋楼下", "柳荫苑2号楼楼道", "临江路128号门口", "文昌花园门口")
MATTERS = ("井盖坏了，老人差点摔倒", "堆满纸箱走不了人", "有人占道卖水果", "垃圾没人收，臭得很")


@dataclass(frozen=True)
class Canary:
    """One person."""

    openid: str
    name: str
    phone: str
    paper: str
    plate: str
    matter: str

    @property
    def words(self) -> str:
        """What they write to the city."""
        return f"{self.matter}。我叫{self.name}，身份证{self.paper}，电话{self.phone}，车牌{self.plate}"

    @property
    def secrets(self) -> dict[str, str]:
        """What must not be found, by its kind."""
        return {"openid": self.openid, "name": self.name, "phone": self.phone, "paper": self.paper, "plate": self.plate}


def canaries(people: int, seed: int) -> list[Canary]:
    """Return so many people, the same ones for a seed; no two share anything."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable order
    return [_one(chance, at) for at in range(people)]


def _one(chance: random.Random, at: int) -> Canary:
    name = chance.choice(SURNAMES) + GIVEN[at % len(GIVEN)] + chr(0x4E00 + 7 * at)
    tail = "".join(chance.choice(LETTERS + "abcdefghijkmnpqrstuvwxyz0123456789_-") for _ in range(22))
    plate = f"鲁{chance.choice(LETTERS)}{chance.choice(LETTERS)}{chance.randrange(10)}{at:03d}"
    phone = f"1{chance.choice('3456789')}{chance.randrange(10)}{chance.randrange(10**5):05d}{at:03d}"
    matter = chance.choice(PLACES) + chance.choice(MATTERS)
    return Canary(f"oCan{at:02d}{tail}"[:28], name, phone, paper(chance, at), plate, matter)


def paper(chance: random.Random, at: int) -> str:
    """Return the number of an identity card whose check digit is right."""
    body = f"{chance.choice(COUNTIES)}{chance.randrange(1984, 2005)}{chance.randrange(1, 13):02d}"
    body += f"{chance.randrange(1, 29):02d}{at:03d}"
    return body + CHECKS[sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True)) % 11]
