"""Misspellings by sound and habit, as opposed to typing errors."""

import random
import re

from sagemaker_jobs.evaluate.robustness.words import per_word

_MISSPELLINGS = {
    "absolutely": "absolutly", "accessory": "accesory", "actually": "actualy",
    "address": "adress", "amazing": "amasing", "apparently": "apparantly", "awful": "awfull",
    "battery": "batery", "beautiful": "beutiful", "because": "becuase", "beginning": "begining",
    "believe": "beleive", "broken": "brocken", "bought": "bougt",
    "careful": "carefull", "cheap": "cheep", "colour": "color", "color": "colour",
    "comfortable": "comfterble", "completely": "completly", "customer": "custumer",
    "decent": "decant", "definitely": "definately", "delivery": "delivary",
    "disappointed": "dissapointed", "disappointing": "dissapointing", "doesn't": "dosent",
    "don't": "dont", "didn't": "didnt", "can't": "cant", "won't": "wont", "isn't": "isnt",
    "easily": "easly", "excellent": "excelent", "expected": "expeced", "expensive": "expencive",
    "experience": "experiance", "finally": "finaly", "friend": "freind", "great": "grate",
    "guarantee": "garantee", "happened": "happend", "horrible": "horible",
    "immediately": "imediately",
    "its": "it's", "it's": "its", "keyboard": "keybord", "loose": "lose", "lose": "loose",
    "necessary": "neccessary", "noticeable": "noticable", "occasion": "ocasion",
    "occurred": "occured", "perfect": "perfact", "perfectly": "perfectley", "piece": "peice",
    "pleasant": "plesant", "price": "prise", "probably": "probly", "problem": "probelm",
    "product": "prodect", "quality": "qualty", "quiet": "quite", "quite": "quiet",
    "really": "realy", "received": "recieved", "recommend": "reccomend", "refund": "refound",
    "responsive": "responcive", "separate": "seperate", "sincerely": "sincerly",
    "successful": "succesful", "surprised": "suprised", "terrible": "terrable", "than": "then",
    "their": "there", "there": "their", "they're": "there", "though": "thou", "thought": "thougt",
    "through": "threw", "together": "togather", "too": "to", "tried": "tryed", "truly": "truely",
    "until": "untill", "useful": "usefull", "useless": "usless", "usually": "usualy",
    "warranty": "warrenty", "weird": "wierd", "which": "wich", "wonderful": "wonderfull",
    "worth": "wurth", "your": "you're", "you're": "your",
}  # fmt: skip
"""Common misspellings of words in reviews, collected for this project."""

_SOUND_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([bcdfglmnprst])\1", r"\1"),
        (r"ie(?=[a-z])", "ei"),
        (r"(?<=[a-z])ei(?=[a-z])", "ie"),
        (r"ph", "f"),
        (r"(?<=[a-z])ance\b", "ence"),
        (r"(?<=[a-z])ence\b", "ance"),
        (r"(?<=[a-z])ible\b", "able"),
        (r"(?<=[a-z])able\b", "ible"),
        (r"(?<=[a-z])tion", "shun"),
        (r"ight\b", "ite"),
        (r"(?<=[a-z])ely\b", "ly"),
        (r"(?<=[a-z])ous\b", "us"),
        (r"(?<=[a-z])ea(?=[a-z])", "ee"),
        (r"(?<=[a-z])er\b", "ar"),
        (r"wh", "w"),
        (r"(?<=[a-z])ck", "k"),
    )
)
_CORE = re.compile(r"^(\W*)([\w'\u2019]+)(.*)$", re.DOTALL)


def _variants(core: str) -> list[str]:
    lower = core.lower().replace("\u2019", "'")
    if lower in _MISSPELLINGS:
        return [_MISSPELLINGS[lower]]
    if len(lower) < 4 or not lower.isalpha():
        return []
    return [misspelt for p, r in _SOUND_RULES if (misspelt := p.sub(r, lower, count=1)) != lower]


def _fits(word: str) -> bool:
    match = _CORE.match(word)
    return match is not None and bool(_variants(match[2]))


def _misspell(word: str, generator: random.Random) -> str:
    match = _CORE.match(word)
    if match is None:
        return word
    before, core, after = match.groups()
    misspelt = generator.choice(_variants(core))
    if core.isupper() and len(core) > 1:
        misspelt = misspelt.upper()
    elif core[0].isupper():
        misspelt = misspelt[0].upper() + misspelt[1:]
    return f"{before}{misspelt}{after}"


spelling = per_word(_misspell, _fits)
