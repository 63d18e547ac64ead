"""What is new in a text of a script without spaces: its names, its numbers, its words."""

import pytest

from newsapi_dentsu.domain.comparison import compare
from newsapi_dentsu.domain.novelty import evidence
from newsapi_dentsu.domain.similarity import amount, facts_of, prepare, words_of

CHINESE = (
    "港口大桥星期一关闭，市政府说桥上的三根钢索出现裂缝。工程师说，修理至少需要两个星期，"
    "渡船每二十分钟开一班，直到大桥重新开放。去年夏天，同一座桥也因为维修关闭过一次。"
    "商店老板抱怨客人减少，学校请学生提前出门。市长说，安全比方便更重要，请大家耐心等待。"
)
JAPANESE = (
    "港の大橋は月曜日に閉鎖された。市によると、橋の三本のケーブルに亀裂が見つかった。"
    "技術者は、修理には少なくとも二週間かかると話している。橋が再開するまで、渡し船が二十分ごとに運航する。"
    "昨年の夏にも、同じ橋が点検のために閉鎖されたことがある。商店の主人たちは客が減ったと嘆いている。"
)
THAI = (
    "สะพานท่าเรือปิดเมื่อวันจันทร์ เทศบาลเมืองกล่าวว่าพบรอยร้าวในสายเคเบิลสามเส้น "
    "วิศวกรกล่าวว่าการซ่อมแซมต้องใช้เวลาอย่างน้อยสองสัปดาห์ เรือข้ามฟากวิ่งทุกยี่สิบนาทีจนกว่าสะพานจะเปิดอีกครั้ง"
)
NEWS = {
    CHINESE: "警察星期二逮捕了建筑公司经理王明，他承认卖掉了检查用的仪器，法院将在五月审理此案。",
    JAPANESE: (
        "警察は火曜日、建設会社の社長を逮捕した。検査用の機器を売却した疑いで、裁判は五月に始まる。"
    ),
    THAI: "ตำรวจจับกุมผู้จัดการบริษัทก่อสร้างเมื่อวันอังคาร เขายอมรับว่าขายเครื่องมือตรวจสอบ",
}
texts = pytest.mark.parametrize("text", [CHINESE, JAPANESE, THAI], ids=["zh", "ja", "th"])


def test_numbers_and_latin_names_end_where_ideograms_begin() -> None:
    told = ["在", "2026", "年", "openai", "发", "布", "gpt", "5", "模", "型"]
    assert words_of("在2026年OpenAI发布GPT-5模型") == told
    assert words_of("これはAIです") == ["こ", "れ", "は", "ai", "で", "す"]


@texts
def test_news_has_about_as_many_facts_as_words(text: str) -> None:
    new = evidence(prepare(text), prepare(f"{NEWS[text]}\n{text}")).gained
    told = len(NEWS[text]) / (5 if text == THAI else 2)
    assert told / 2 <= new.facts <= told


@texts
def test_what_the_earlier_text_has_in_another_order_is_no_news(text: str) -> None:
    sentences = text.replace("。", "。 ").split()
    turned = " ".join(reversed(sentences))
    assert evidence(prepare(text), prepare(turned)).gained.facts <= 2


@texts
def test_news_makes_no_copy_and_a_cut_makes_one(text: str) -> None:
    update = compare(prepare(text), prepare(f"{NEWS[text]}\n{text}", title=NEWS[text][:20]))
    cut = compare(prepare(text), prepare(text[: len(text) * 2 // 3]))
    assert update is None or update.degree != "copy"
    assert cut is not None
    assert cut.degree == "copy"


@pytest.mark.parametrize(
    ("new", "facts"),
    [
        ("OpenAI", {"opena"}),
        ("2026", {"2026"}),
        ("学校", {"学校"}),
        ("アメリカ", {"アメ", "メリ", "リカ"}),
        ("ました", set()),
        ("สะพาน", {"สะพา", "ะพาน"}),
    ],
)
def test_names_numbers_and_rows_of_characters_are_facts(new: str, facts: set[str]) -> None:
    assert facts_of(words_of(new)) == facts


def test_rows_of_characters_amount_to_fewer_words() -> None:
    assert amount(facts_of(words_of("Der Bürgermeister schloss 2 Brücken"))) == 4
    assert amount(facts_of(words_of("市长星期一宣布关闭港口大桥"))) == 6
    assert amount(set()) == 0


def test_a_name_of_known_characters_is_new() -> None:
    earlier = prepare("王先生和明小姐在北京的大学工作。" * 3)
    assert evidence(earlier, prepare(earlier.body + "王明来了。")).gained.facts >= 1
