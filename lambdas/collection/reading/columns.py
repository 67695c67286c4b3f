"""Well-known names of columns: which of them is which field without a mapping."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

# Names are in lower case with letters and digits only. Each field lists groups of names, the best
# first: a column of an earlier group is chosen over those of later ones. Within a group the order
# decides, except for text and rating (see choose_column).
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "text": (
        (
            "reviewtext reviewbody reviewcontent reviewdescription reviewmessage "
            "reviewcomment reviewcomments reviewcommentmessage reviewstext reviewreview "
            "commentcontent commenttext verifiedreviews feedbacktext feedbackcomment "
            "customerreview userreview reviewdetails reviewtextpublished "
            "bewertungstext rezensionstext kundenrezension"
        ),
        (
            "text review reviews body content comment comments "
            "kommentar kommentare rezension commentaire commentaires avis comentario "
            "comentarios resena texto recensione commento testo resenha"
        ),
        "message feedback description",
        "bewertung bewertungen avaliacao",
    ),
    "rating": (
        (
            "rating ratings starrating reviewrating reviewscore reviewstars reviewstar "
            "ratingstar userrating userratingoutof5 reviewsrating reviewoverall ratingvalue "
            "ratingscore overallrating customerrating imrating userratingvalue "
            "fivestarratingpublished"
        ),
        (
            "stars score overall rate star sterne etoiles estrellas stelle estrelas "
            "calificacion puntuacion valoracion valutazione voto punteggio nota "
            "classificacao pontuacao note"
        ),
        "bewertung avaliacao",
        (
            "recommended isrecommended recommend votedup recommendation recommendedind "
            "recommendedproduct wouldrecommend reviewsdorecommend liked thumbs feedbacktype"
        ),
    ),
    "title": (
        "reviewtitle reviewheadline reviewsummary reviewcommenttitle reviewstitle reviewsubject",
        "title headline summary subject commenttitle heading titel titre titulo titolo",
    ),
    "product_id": (
        (
            "productid asin productasin productproductid clothingid itemid itemnumber sku "
            "productsku listingid businessid gmapid placeid bookid appid gameid hotelid "
            "commentpostid packagename producthandle producturl itemreviewedsku "
            "itemreviewedproductid artikelnummer artikelnr produktid produktnummer idproduit "
            "idproducto idprodotto idproduto"
        ),
    ),
    "product_title": (
        (
            "productname producttitle itemtitle itemname listingtitle appname drugname "
            "booktitle businessname hotelname gamename locationname placename restaurant product "
            "itemreviewedname placeinfoname produkt produktname artikel artikelname produit "
            "producto prodotto produto"
        ),
    ),
    "category": (
        (
            "category productcategory maincategory primarycategories categories classname "
            "producttype variation condition kategorie categorie categoria"
        ),
    ),
    "brand": ("brand brandname marke marque marca",),
    "reviewer": (
        (
            "reviewerid reviewuserid userid customerid authorid authorsteamid revieweremail "
            "commentauthoremail customeremail reviewer username author authorname useremail "
            "email reviewername reviewerdisplayname reviewusername reviewsusername "
            "commentauthor customername customer displayname profilename reviewprofilename "
            "consumername nickname buyer user buyeruserid reviewernickname userusername "
            "consumerdisplayname usernickname kunde kundenname verfasser autor benutzer "
            "auteur client cliente usuario autore utente"
        ),
    ),
    "date": (
        (
            "reviewdate reviewcreationdate reviewcreatedutc reviewcreatedat reviewcreated "
            "reviewtime unixreviewtime reviewsubmitdateandtime reviewsdate"
        ),
        (
            "date createdat created createdate createddate createddateutc datecreated "
            "creationdate createtime dateadded datereviewed datesubmitted datepublished "
            "timestamp timestampcreated time at submissiontime submittedat submissiondate "
            "publishedat publishedatdate publisheddate commentdate commentdategmt reviewedat "
            "dateofreview postedat postdate createdtimestamp createtimestamp updated updatedat"
        ),
        "bewertungsdatum datum erstelltam fecha data",
    ),
    "review_id": ("reviewid recommendationid commentid uniqueid feedbackid",),
    "verified": (
        (
            "verified verifiedpurchase isverified verifiedbuyer isverifiedbuyer "
            "verifiedpurchaser reviewsdidpurchase verifiziert verifizierterkauf achatverifie "
            "compraverificada acquistoverificato"
        ),
    ),
    "helpful_votes": (
        (
            "helpfulvotes helpfulvote vote votes upvotes positivefeedbackcount useful "
            "usefulcount thumbsupcount votehelpful voteshelpful votesup reviewvotesup nvotes "
            "helpfulnessnumerator totalposfeedbackcount helpfulcount helpful "
            "reviewhelpfulness helpfulness likes likescount reviewsnumhelpful imvotecount"
        ),
    ),
}

WELL_KNOWN: Mapping[str, tuple[tuple[str, ...], ...]] = {
    field: tuple(tuple(group.split()) for group in groups) for field, groups in _GROUPS.items()
}
"""Groups of names by field, in the order of preference."""

_PUNCTUATION = re.compile(r"[\W_]+")
_WRAPPERS = re.compile(r"^(?:attributes|properties|details|metrics|node|_source)\.")
"""Objects in which APIs keep the fields of a record."""
_FRENCH = {"note": frozenset(("avis", "commentaire", "commentaires"))}
"""Names that are well known beside one of these only: for a German *Note*, 1 is the best."""
_MUST_BE_CLEAR = frozenset(("text", "rating"))


def normalise(name: str) -> str:
    """Column name without case, accents, white space, punctuation and the wrappers of APIs."""
    name = _WRAPPERS.sub("", name.casefold())
    if not name.isascii():
        name = unicodedata.normalize("NFKD", name)
    return name if name.isalnum() else _PUNCTUATION.sub("", name)


def group_names(names: Iterable[str]) -> Mapping[str, list[str]]:
    """Group columns by their normalised names; a dump may have a hundred thousand of them."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(normalise(name), []).append(name)
    for known, companions in _FRENCH.items():
        if companions.isdisjoint(groups):
            groups.pop(known, None)
    return groups


def choose_column(field: str, names: Mapping[str, list[str]]) -> list[str]:
    """Choose the column of a field by its name, of columns in groups (``group_names``).

    Returns:
        The column; none, if no name is well known; several, if the field is the text or the rating
        and they are equally good.
    """
    for group in WELL_KNOWN.get(field, ()):
        candidates = [name for known in group for name in names.get(known, ())]
        if candidates:
            return candidates if field in _MUST_BE_CLEAR else candidates[:1]
    return []
