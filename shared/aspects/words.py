"""Word lists: words that indicate nouns and verbs, and nouns without meaning as aspects."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ARTICLES = _set("a an the my your his her its our their no each any every another whose 's")
"""Followed by a noun, or by an adjective and a noun."""
DEMONSTRATIVES = _set("this that these those some all both either neither what which such")
"""Followed by a noun, or by a verb: "that charges slowly"."""
PRONOUNS = _set(
    "i you he she it we they me him us them myself yourself itself themselves who whom someone"
    " everyone anyone something anything everything nothing nobody one ones mine yours ours theirs"
    " im ive id ill youre youve theyre thats whats theres heres lets"
)
SUBJECT_PRONOUNS = _set("i you we they ive youve im")
"""Followed by a verb."""
THIRD_PERSON_SUBJECTS = _set("it he she this that which who")
"""Followed by a verb, if the next word ends in -s."""
AUXILIARIES = _set(
    "is are was were be been being am 's 're 'm has have had having do does did will would can"
    " could should may might must shall cannot ca wo ai n't 've 'll 'd dont doesnt didnt cant wont"
    " wouldnt couldnt shouldnt isnt wasnt arent werent havent hasnt hadnt aint"
)
LINKING_VERBS = _set(
    "is are was were be been being am 's 're seems seem seemed looks look looked feels feel felt"
    " isnt wasnt arent werent"
)
"""Not followed by a noun at the end of a statement: "the case is black"."""
BEFORE_VERBS = _set(
    "to will would can could should may might must shall wo ca cannot 'll 'd n't not please never"
    " dont doesnt didnt cant wont wouldnt couldnt shouldnt"
)
IRREGULAR_PAST_FORMS = _set(
    "gave got went came took made broke kept left lost sent told thought bought brought began"
    " became wore tore held stood sat ran grew knew threw drew flew blew chose froze spoke stole"
    " woke wrote rode drove ate lay paid said sold slept spent stuck taught understood won"
    " heard met shook sank shrank rang sang swam swore dug hung lit slid spun"
    " struck bent lent meant dealt crept"
)
"""Irregular verb forms that are never nouns: "the hinge gave way"."""
PREPOSITIONS = _set(
    "of in on at by for with from to into onto about over under after before between through"
    " during without within against along among around behind below beneath beside besides beyond"
    " despite except inside outside near off out up down per since than till until toward towards"
    " upon via like as versus vs"
)
CONJUNCTIONS = _set(
    "and or but nor so yet if because although though while when where why how whether unless plus"
)
ADVERBS = _set(
    "not never very really too also just only even still again always often sometimes usually"
    " almost quite rather pretty much more most less least well better best far fast there here now"
    " then ago already soon maybe perhaps ever once twice away back together apart yes no ok okay"
    " etc however therefore instead otherwise overall right left super lol btw ways"
)
DEGREE_ADVERBS = _set("very really so too quite pretty extremely super more most less")
"""Followed by an adjective, unless a noun comes after it."""

EMPTY_NOUNS = _set(
    # unspecific
    "thing stuff lot bit way kind sort type something anything everything nothing item product"
    " purchase buy unit set piece version model example instance case-in-point order gift present"
    # time and place
    " time day week month year hour minute second morning night evening today tomorrow yesterday"
    " weekend moment season birthday christmas date start beginning end middle part rest side place"
    " home house room school office work job world life trip vacation summer winter school"
    # judgement
    " reason problem issue complaint fact point idea matter chance choice option difference review"
    " star rating comment question answer opinion experience expectation disappointment surprise"
    " advantage disadvantage downside upside drawback plus minus pro con favorite fan luck fun"
    " trouble joke shame deal winner regret try love hope thanks thank wish need want doubt care"
    " recommendation benefit result"
    # people
    " people person man woman men women guy girl boy kid child children baby friend family wife"
    " husband son daughter mother father mom mum dad sister brother grandson granddaughter niece"
    " nephew grandchild grandkid boyfriend girlfriend parent teenager student everybody somebody"
    " anybody folk buyer reviewer user owner customer consumer shopper brand company manufacturer"
    " maker amazon ebay walmart hubby lady gal dude year-old self"
    # quantity
    " couple half dozen pair number amount plenty ton bunch none other inch foot feet mile percent"
    " dollar buck money cent piece level degree"
    # use and thought
    " use usage sense course hand head eye addition case-by-case sake word term line note mind"
    " thought none max min"
)
"""Nouns that are not aspects on their own: their quality does not matter."""
NOT_FIRST = _set(
    "time day week month year hour minute second today yesterday weekend season birthday christmas"
    " couple half dozen pair number amount plenty ton bunch none other inch foot feet mile percent"
    " lot bit way kind sort one thing stuff something"
)
"""Nouns of time and quantity; an aspect does not start with one."""
NOT_LAST = _set("thing stuff lot bit way kind sort type one etc time day week month year")
"""Nouns that an aspect does not end with."""

_IRREGULAR_PLURALS = (
    "people person men man women woman children child feet foot teeth tooth knives knife lives"
    " life wives wife shelves shelf leaves leaf batteries battery movies movie cookies cookie"
    " mice mouse selves self halves half"
)
IRREGULAR_PLURALS = dict(
    zip(_IRREGULAR_PLURALS.split()[::2], _IRREGULAR_PLURALS.split()[1::2], strict=True)
)
"""Plural to singular, for plurals that follow no rule."""
ALWAYS_PLURAL = _set(
    "headphones earphones earbuds glasses sunglasses pants jeans shorts scissors instructions"
    " graphics news series species means clothes goods lens bus gas bonus canvas atlas"
    " christmas plus minus campus virus status wireless always"
)
