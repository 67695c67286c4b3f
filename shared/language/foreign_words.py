"""Frequent function words of other languages, as people write them in plain Latin letters.

The detector was trained on native scripts, so that Hindi or Tamil in Latin letters is no language
to it, and a few English nouns ("product", "quality") would make such a text English.
"""

_WORDS = {
    "Hindi and Urdu": (
        "hai hain hoon tha thi hota hoti gaya gayi kiya raha rahi rahe nahi nahin nhi bahut"
        " bahot bohot bohat bhot acha accha achha achi acchi achhi achchha yeh woh mujhe mera"
        " meri aap apna ka ki ke mein kya kyu kyun kaise bhi aur lekin magar phir toh liye"
        " wala wali wale sirf sabko kuch koi jaldi lena kharab bekar bakwas bakwaas faltu"
        " ghatiya ekdum bilkul theek thik badhiya bhai yaar zaya barbad pasand"
    ),
    "Bengali and Punjabi": "khub bhalo tumi kinben kinlam ekta eta valo vadiya vadhiya",
    "Tamil, Telugu, Kannada and Malayalam": (
        "romba nalla illa illai irukku idhu adhu aana vendam vangadheenga mosam chala bagundi"
        " bagunnai ledu baledu asalu konakandi chennagide tumba kollam poli aanu"
    ),
    "Arabic": "awi giddan gedan shukran wallah kteer ktir mabsoot wehesh momtaz helo",
    "Japanese and Korean": (
        "desu deshita masu mashita kore sugoku totemo jeongmal joayo yeyo imnida haeyo eopseoyo"
    ),
    "Vietnamese": "khong giao duoc nhanh nhu luong mua cung",
    "Indonesian and Malay": (
        "tidak sangat sudah bisa dengan yang untuk bagus banget kurang belum itu"
    ),
    "Tagalog": "ang ng mga hindi naman maganda kasi siya ito agad lang talaga",
    "Pidgin": "abeg wahala dey wey sabi oga sef wetin",
    "Spanish and Catalan": (
        "muy pero esta estos que porque cuando bien bueno buena buen malo mala encanta sirve"
        " funciona por molt"
    ),
    "Portuguese": "muito muita uma nao gostei bom boa ótimo otimo pelo",
    "Italian": "che molto sono della nel ottimo anche questo questa buono pessimo",
    "French": "tres très je avec mais bien une les pour c'est j'ai cette",
    "German": "ist nicht und ich sehr auch aber kein keine schon wieder geht eine gerne",
    "Dutch and Afrikaans": "niet een het ook maar erg goed geen werkt baie nie goeie ek",
    "Turkish": "cok çok bir guzel güzel degil ama ve icin iyi kotu tavsiye",
    "Scandinavian": "ikke inte är jeg mycket meget og och virker fungerar",
    "Polish, Czech and Croatian": "nie jest bardzo dobry polecam velmi dobre nije jako",
}
FOREIGN_WORDS = frozenset(" ".join(_WORDS.values()).split())
"""Without words that English reviews have as well, such as names ("Las", "Una") and "mat"."""
