"""Say in a text file, in Vietnamese and English, what a release pack holds and what was done to it."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

NOT_STATED = {
    "vi": "chưa nêu; hãy hỏi cơ quan chủ trì khảo sát trước khi dùng.",
    "en": "not stated; ask the owner of the study before use.",
}

_LEFT = {
    "vi": ", và từ đó\n  tìm tiếp trong số ít hộ cùng số Tổ.",
    "en": ", and go on\n  from there among the few households with the same number of a team.",
}

_VI = Template("""\
$title
Dữ liệu vi mô đã khử định danh$synthetic

Tệp
  households.csv  $households hộ, mỗi hộ một dòng
  panel.csv       $interviews phỏng vấn, mỗi hộ và đợt một dòng ($waves_vi)
  codebook.csv    ý nghĩa của từng biến
  release.json    các con số của gói, để máy đọc
  SHA256SUMS      mã kiểm tra của các tệp

Đã làm gì
  - Không có tên, số điện thoại, vị trí, lời ghi tự do, mã hộ, mã điều tra viên, ngày giờ.
  - Số của hộ$team_vi được rút ngẫu nhiên cho riêng gói này. Bảng đối chiếu không được lưu.
  - Nơi ở chỉ nêu theo danh mục đơn vị $area_list ($places_hidden hộ không nêu nơi ở).
  - Các đặc điểm có thể bị nhận ra được gộp nhóm: $quasi.
    Mỗi tổ hợp, cùng với nơi ở và nhóm thử nghiệm, có ít nhất $k hộ. Để được như vậy, $cells ô được để
    trống ($cells_by).
  - Thứ tự các dòng là ngẫu nhiên.
  - Không có quyền số và các số đo của riêng từng Tổ, vì chúng cho biết là Tổ nào.

Còn lại điều gì
  Người biết nhiều câu trả lời của một hộ vẫn có thể nhận ra hộ ấy$left_vi
  Không tìm cách nhận ra ai; không ghép với dữ liệu khác về những người này.

Điều khoản sử dụng: $terms_vi
""")

_EN = Template("""\
$title_en
De-identified micro-data$synthetic_en

Files
  households.csv  $households households, one row each
  panel.csv       $interviews interviews, one row a household and wave ($waves_en)
  codebook.csv    what each variable means
  release.json    the figures of this pack, for machines
  SHA256SUMS      checksums of the files

What was done
  - No names, phones, positions, free text, household codes, codes of staff, dates or times.
  - Numbers of households$team_en were drawn at random for this pack alone. The key was not kept.
  - Places are told by the list of units $area_list alone ($places_hidden households without a place).
  - What a household might be known by was put into groups: $quasi.
    Each combination, together with place and arm, is shared by at least $k households. For that $cells
    cells were left blank ($cells_by).
  - Rows stand in random order.
  - Weights and measures of single teams are left out: they would tell which team it is.

What is left
  Somebody who knows many answers of a household may still recognise it$left_en
  Do not try to recognise anybody; do not link this to other data on these people.

Terms of use: $terms_en
""")


@dataclass(frozen=True)
class Facts:
    """What the text says of a pack."""

    title_vi: str
    title_en: str
    synthetic: bool
    households: int
    interviews: int
    waves: tuple[str, ...]
    k: int
    teams: bool
    area_list: str
    places_hidden: int
    quasi: tuple[str, ...]
    cells: dict[str, int]
    terms: str


def readme(facts: Facts) -> str:
    """Write the text, Vietnamese first."""
    hidden = {name: count for name, count in facts.cells.items() if name in facts.quasi}
    words = {
        "title": facts.title_vi,
        "title_en": facts.title_en,
        "synthetic": " - SỐ LIỆU MÔ PHỎNG, không có người thật" if facts.synthetic else "",
        "synthetic_en": " - SIMULATED, no real people" if facts.synthetic else "",
        "households": facts.households,
        "interviews": facts.interviews,
        "waves_vi": "đợt " + ", ".join(facts.waves),
        "waves_en": "waves " + ", ".join(facts.waves),
        "k": facts.k,
        "team_vi": " và của Tổ" if facts.teams else "",
        "team_en": " and teams" if facts.teams else "",
        "area_list": facts.area_list,
        "places_hidden": facts.places_hidden,
        "quasi": ", ".join(facts.quasi) or "-",
        "cells": sum(hidden.values()),
        "cells_by": ", ".join(f"{name}: {count}" for name, count in hidden.items()) or "-",
        "left_vi": _LEFT["vi"] if facts.teams else ".",
        "left_en": _LEFT["en"] if facts.teams else ".",
        "terms_vi": facts.terms or NOT_STATED["vi"],
        "terms_en": facts.terms or NOT_STATED["en"],
    }
    return _VI.substitute(words) + "\n" + "-" * 72 + "\n\n" + _EN.substitute(words)
