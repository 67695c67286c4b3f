"""Praise and complaint without an evaluative adjective, written for the evaluation alone.

No frame of ``sagemaker_jobs.contrast`` has these products, situations or words, and no model is
trained on them.
"""

from shared.schemas.sentiment import Sentiment

_PRAISE = """
My accordion has been through eleven weddings with this case and there is not a dent in it.
I forgot the casserole on the hob for an hour and wiped the pot clean with a sponge.
Grandad hasn't touched his old hearing aids since these came.
We drove from Calais to Naples and the roof rack did not shift once.
Our vet asked for the name of this food so she could tell her other clients.
The sticker was off the windscreen in five seconds and left no trace of glue.
I've bought a jar for every member of the choir.
Snow on the roof, frost on the pond, and the tomatoes inside are still ripening.
Tuned it in March, played forty gigs, haven't had to touch the pegs.
You'll have to prise this spatula from my cold hands.
Our landlord came to ask why there was no longer any mould behind the wardrobe.
Passed my driving theory at the first attempt with nothing but this book.
The tattoo healed without a scab.
I sat down to read a chapter with my coffee and looked up when it was dark.
Seven nappies a day for a year and not one leak at night.
Since we hung these the night-shift nurse in this house sleeps until four in the afternoon.
I put my full weight on the shelf to test it, then my brother did as well.
The lawn people down the road asked what seed we had used.
Same razor, same blade, since the football World Cup.
My physiotherapist wants to know what I am sitting on these days.
Both twins finished their plates and asked when we would have it again.
A bus ran over the tin and the biscuits inside were whole.
He proposed with it and she hasn't taken it off since.
It picked up the sand from Portugal that three other machines had left in the car.
Wore them straight from the carton to a twelve-hour shift and went dancing afterwards.
My pupils stop talking when I take this out of the cupboard.
Brewed one cup, called my mother in Trieste, and told her she could stop sending beans.
I cancelled the decorator: two coats and the water mark has not come back.
The boiler man looked at the gauge, nodded and said he had the same one at home.
Eight-year-old set it up while I was looking for my glasses.
The moths have moved out.
When the power failed on our street, ours was the only window with a light in it, until dawn.
I can carry all the shopping up four floors with two fingers now.
My ex got the house, I kept the mixer, and I would make that deal again.
Sold out my stall at the fair by eleven with the bags I sewed on it.
The splinter that the clinic could not get out was out in a second.
The bees moved in on the second day.
The goalkeeper of the other side asked me after the match where he could get a pair.
For once there are no crumbs under the high chair.
I proofread for a living and found no typo in nine hundred pages.
My stutter of a printer used to eat paper; with these sheets it has not jammed since Lent.
We open a bottle whenever there is something to celebrate, and lately we find reasons.
Our postwoman stops to smell the hedge since I began to feed it with this.
It let me work through a hailstorm on the balcony and I only noticed when I looked outside.
There's a queue for the shower now that this head is on.
Mother-in-law wrote down the name before she left.
I lent it to the scouts for a summer and it came home ready for another.
The chest was my present to my first child; my third is now filling it with Lego.
Six candles left from the storm and every one of them burned down to the base.
She played the lullaby twice and the whole ward was asleep.
I've stopped carrying a spare inner tube.
Bought it for one concert, have worn it to every one since.
The recipe on page nine is now what we eat on Fridays.
We timed it against the takeaway, and dinner was on the table before the bike came.
Left the car at minus thirty in Tromso, turned the key, drove to work.
I have stopped apologising for the noise on my calls.
The ring on the bath that came with the flat is gone.
Finally got through the allergy season without a tissue in my sleeve.
My chiropractor lost a customer.
After the flood this was the one thing in the cellar that we plugged back in.
"""

_COMPLAINT = """
The accordion case opened on the platform and my instrument went down the stairs.
Fire brigade came twice in one night because of it, and there was no fire.
Grandad put them back in the envelope and went on shouting.
Somewhere between Calais and Naples the roof box left us.
Our vet read the list of ingredients and put the bag in her own waste basket.
What is left of the sticker is now on the windscreen, the blade and my sleeve.
The choir voted to go back to the other throat sweets.
I have a raised bed full of mud where the greenhouse was before Tuesday's breeze.
It goes out of tune between the first verse and the chorus.
The spatula melted into the omelette.
The mould has grown through the paint and is starting on the ceiling.
Failed my driving theory: the book still has the road signs from before I was born.
I went to the tattooist with a rose and to the hospital with this cream.
My bookmark has been on the same page since the Olympics.
Four sheets a night. That is how many I change since we switched nappies.
The sun still wakes me at five, through what they call blackout.
The shelf waited until I had put the last plate on it.
A year after sowing there is one blade of grass and it belongs to the neighbour.
I shaved once and went to the meeting with toilet paper on my chin.
I need a cushion for the cushion.
Both twins spat it out and the dog left the room.
The biscuits travelled two hundred miles and arrived as flour.
My finger was green by the time we had cut the cake.
It pushes the sand from one side of the car to the other.
I did the last three hours of my shift in socks.
My pupils have worked out that a sneeze resets it.
I brewed one cup and watered the ficus with it. The ficus lost its leaves.
Third coat, and the water mark waves at me through it.
The boiler man looked at the gauge and asked which joke shop it was from.
We are on day two of "installing, do not unplug".
The moths have started on the lavender bags themselves.
When the power failed on our street we found out that it had not been charging at all.
The bag made it as far as the second floor; the eggs stayed there.
Kept the mixer in the divorce. In hindsight I should have asked for the toaster.
It has eaten three bobbins of thread and the sleeve of the bridesmaid.
The splinter is still in, and now the tip of the tweezers is too.
The bees had a look and moved to the chimney.
I let in five goals, four of them through the gloves.
I find peas in the gap of the high chair from when he was a baby; he goes to school now.
On page two the detective is called Martin, on page nine Marvin, and by page thirty Mildred.
Every sheet goes in as one and comes out as an accordion.
We opened it for the anniversary and toasted with tap water.
The hedge I fed is brown, the one I forgot is in flower.
I felt each drop of that drizzle run down my spine.
I now shower at my sister's.
Mother-in-law has asked for the receipt, and it was her present.
The scouts brought it home in a carrier bag.
The drawer stays shut unless you kick it, and then it stays open.
The wick drowned while we were singing happy birthday.
The lullaby plays at the volume of a lorry and cannot be turned down.
I know every bike mechanic between here and the coast by first name now.
I wore it to one concert and came home with dye on my neck and the chair.
The recipe says forty minutes; we ate at midnight.
The pizza man rang while it was still warming up.
At minus two it clicked once and I took the tram.
Whoever I call asks if I am standing in a waterfall.
There is now a ring on the bath, and one on the sponge.
I went through two boxes of tissues while it was humming in the corner.
My chiropractor sends his regards and his invoice.
It was the first thing in the cellar to float.
"""


def implicit_cases() -> list[tuple[str, Sentiment]]:
    """The sentences with their sentiment, praise first."""
    return [
        (line, sentiment)
        for sentiment, lines in ((Sentiment.POSITIVE, _PRAISE), (Sentiment.NEGATIVE, _COMPLAINT))
        for line in lines.strip().splitlines()
    ]
