"""Names of months in English, German, French, Spanish, Italian and Portuguese."""

_NAMES = (
    "jan january januar jänner janv janvier ene enero gen gennaio janeiro",
    "feb february februar févr février fév fevr fevrier febrero febbraio fev fevereiro",
    "mar march märz mär mrz maerz mars marzo março marco",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio maio",
    "jun june juni juin junio giu giugno junho",
    "jul july juli juil juillet julio lug luglio julho",
    "aug august août aout ago agosto",
    "sep sept september septembre septiembre setiembre set settembre setembro",
    "oct october okt oktober octobre octubre ott ottobre out outubro",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro",
)

MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
"""Number of a month by its name or abbreviation in lower case."""
