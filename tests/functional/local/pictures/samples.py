"""What requests with pictures send, and what is said of pictures that are not used."""

import base64

from PIL import Image

from tests.pictures import drawn, saved

TEXT = "the sauce hurts again"
PNG = saved(drawn(), "PNG")
UNUSED = "the picture was not used: "
COLOURS = ("red", "lime", "blue", "white", "yellow", "cyan")


def one_colour(name):
    return Image.new("RGB", (40, 40), name)


def encoded(data):
    return base64.b64encode(data).decode()
