"""List words that Vietnamese names are made of, and words that only look like them; finds nothing.

Surnames: Lê Trung Hoa (2005), Họ và tên người Việt Nam; the forty most frequent bear over 95 % of people.
"""

from __future__ import annotations

from functools import lru_cache

from survey_tools.areas import without_marks

_ETH = str.maketrans("\u00f0\u00d0", "dD")
"""Eth, which is taken for D with a stroke."""


@lru_cache(maxsize=100_000)
def fold(text: str) -> str:
    """Write in small letters without diacritics.

    >>> fold("Đỗ Thị HẰNG")
    'do thi hang'
    """
    return without_marks(text.translate(_ETH)).lower()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _names(text: str) -> frozenset[str]:
    return frozenset(fold(name) for name in text.split(", "))


SURNAMES = _words(
    "nguyễn trần lê phạm hoàng huỳnh phan vũ võ đặng bùi đỗ hồ ngô dương lý đào đoàn vương trịnh trương "
    "đinh lâm phùng mai tô hà tạ lương cao châu chu thái tăng kiều quách la lưu nghiêm khuất khổng lại "
    "giang từ tống bạch doãn ninh đàm vi cù âu tôn triệu thạch sầm quản kim"
)
SURNAMES_FOLDED = _words(
    "nguyen tran le pham hoang huynh phan vu vo dang bui ho ngo duong ly dao doan vuong trinh truong "
    "dinh lam phung luong quach nghiem khuat"
)
"""Surnames that no common word is like when the diacritics are left out."""

SURNAMES_PLAIN = frozenset(fold(word) for word in SURNAMES)
"""All of them; taken for a surname only where `van` or `thi` follows."""

SURNAMES_SURE = _words(
    "nguyễn trần lê phạm hoàng huỳnh phan vũ võ đặng bùi đỗ ngô dương đinh trịnh nguyen tran pham huynh "
    "phan dang bui dinh trinh"
)
"""Surnames after which two words with capitals are a name, whatever they are."""

SURNAMES_SMALL = _words("nguyễn trần phạm huỳnh phan đặng bùi đinh trịnh")
"""Surnames that are no common word in small letters either."""

MIDDLE = _words("văn thị van thi")
"""The middle names that tell a name even where nothing is written with a capital."""


GIVEN = _words(
    "an anh ánh ân bảo bích bình cẩm châu chi chiến chinh chính công cúc cường danh diễm diệp diệu dung "
    "dũng duy duyên dương đan đào đạt điệp định đô đông đồng đức giang hà hải hạnh hằng hân hậu hiên hiền "
    "hiển hiếu hiệp hiệu hoa hoà hòa hoài hoàn hoàng hồng hợp huân huệ hùng huy huyền hưng hương hường "
    "kha khang khánh khoa khôi khuê kiên kiều kim lam lan lành lâm liên liễu linh loan long lộc lợi luân "
    "lương lý ly mai mạnh minh mùi mừng mỹ nam nga ngà ngân nghĩa ngọc nguyên nguyệt nhàn nhân nhật nhi "
    "nhung như ninh nụ oanh phát phi phong phú phúc phương phượng quân quang quảng quế quốc quyên quyết "
    "quỳnh sang sáng sâm sen sinh sơn tài tâm tân thái thanh thành thảo thắm thắng thêm thiện thịnh thoa "
    "thọ thơ thơm thu thuận thuỳ thuý thúy thủy thuỷ thùy thư thương tiên tiến tín tình tĩnh toàn toán "
    "trang trâm trân trí trinh trọng trung trường tú tuấn tuệ tùng tuyên tuyến tuyết tư tươi tường uyên "
    "vân việt vinh vĩnh vui vũ vượng vy xuân xuyến yên yến"
)
BETWEEN = GIVEN | _words("văn thị đức hữu thế đình bá")
"""What stands between a surname and the last of the given names."""

GIVEN_FOLDED = frozenset(fold(word) for word in GIVEN)

GIVEN_ALONE = _words(
    "ánh ân bích bình cẩm châu chiến chinh cúc cường diễm diệp diệu dung dũng dương duyên điệp đức giang "
    "hà hải hạnh hằng hân hậu hiên hiền hiển hiếu hiệp hoa hoà hòa hoài hoàng hồng huân huệ hùng huy huyền "
    "hưng hương hường kha khang khánh khôi khuê kiều kim lam lan lâm liễu linh loan long lộc luân minh mùi "
    "mỹ nga ngà ngọc nguyệt nhật nhi nhung ninh nụ oanh phi phong phú phúc phương phượng quân quang quế "
    "quyên quỳnh sâm sen sơn tâm tân thái thảo thắm thắng thiện thịnh thoa thọ thơ thơm thuận thuỳ thúy "
    "thuý thủy thuỷ thùy tiến tĩnh trang trâm trân trí trinh trọng tú tuấn tuệ tùng tuyết tường uyên vân "
    "việt vinh vĩnh vũ vượng vy xuân xuyến yến"
)
"""Given names that seldom begin another word after a title, so that they count in small letters there."""

TITLES_ALONE = _words("ông bà anh chị cô chú bác cậu dì mợ thím cháu cụ thầy vợ chồng")
"""Titles after which they count."""

TITLES = _words(
    "ông bà anh chị cô chú bác cậu dì mợ thím em cháu cụ thầy bạn con vợ chồng mẹ bố tên mr mrs ms"
)
TITLES_FOLDED = frozenset(fold(word) for word in TITLES) - {"con", "ten", "me", "bo", "em", "ban"}

SHORTENED = _words("mr mrs ms")
"""Titles that may have a point behind them."""

PLACE_BEFORE = _words(
    "xã trấn thôn làng huyện quận phường tỉnh phố đường chợ trường đình chùa đền sông cầu bến khu cụm ty "
    "hàng trạm viện đảo hồ núi ga bãi tượng quảng lăng ngõ quê tp thpt thcs xa tran thon huyen quan "
    "phuong tinh duong cho truong"
)
"""Words that make of what follows the name of a place, a school or a company."""

NOT_AFTER_TITLE = _words(
    "tổ zalo facebook viettel momo ubnd trưởng chủ bí hội đoàn xã thôn đội ban phó cán công giáo con bà "
    "ông anh chị em cô chú bác cháu họ ấy ta nhà hồ trưng rịa nà triệu huyện bé tô vy internet wifi vnpt "
    "bidv agribank vietcombank shopee lazada tiktok google online qr app covid và là có không ở đi vneid "
    "dân việt nam"
)
"""Capitalised words that may follow a title without being a name."""

CALLS = _words("gặp gọi hỏi nhờ nhắn cho với của cùng")
"""After these a given name with a capital is a person's."""

NO_TITLE_AFTER = _words("tiếng nước người vương")
"""After these, `Anh` is England."""

PLACES = _names(
    "Hà Nội, Hà Nam, Hà Giang, Hà Tĩnh, Hà Đông, Hà Tây, Thái Bình, Thái Nguyên, Thái Lan, Cao Bằng, "
    "Lâm Đồng, Ninh Bình, Nam Định, Phú Thọ, Phú Yên, Kiên Giang, An Giang, Hậu Giang, Tiền Giang, "
    "Bắc Giang, Bắc Ninh, Hà Trung, Hoàng Mai, Hoàng Sa, Hoàng Long, Mai Châu, Mai Lâm, Dương Nội, "
    "Lý Nhân, Kim Bảng, Kim Sơn, Vũ Thư, Tô Lịch, Hồ Gươm, Hồ Tây, Lương Sơn, Đinh Tiên Hoàng, "
    "Hồ Chí Minh, Bác Hồ, Lê Lợi, Lê Duẩn, Trần Phú, Trần Hưng Đạo, Phan Đình Phùng, Lý Thường Kiệt, "
    "Lý Thái Tổ, Nguyễn Trãi, Nguyễn Huệ, Nguyễn Du, Quang Trung, Hoàng Hoa Thám, Cao Sơn, Châu Thành, "
    "Châu Can, Châu Á, Châu Âu, Đào Viên, Triệu Sơn, Kim Long, Lâm Hà, Kiều Mai, Giang Sơn, Lưu Xá, "
    "Mai Dịch, Thái Hà, Thái Thịnh, Bạch Hạ, Bạch Mai, Tống Sơn, Hà Hồi, Kiều Hối, Kim Loan, Chu Minh, "
    "Vương Quốc Anh, Việt Nam"
)
"""Places and people of history that are written like a name, folded."""
