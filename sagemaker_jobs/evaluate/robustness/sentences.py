"""The behavioural cases, written for this project.

A line is ``plain text | its allowed labels | counterpart | its allowed labels``: ``+`` positive,
``-`` negative, ``0`` neutral, several where readers would disagree. ``{thing}`` and ``{brand}`` are
replaced by a product and a brand.
"""

NEGATION = """
The {thing} works. | + | The {thing} does not work. | -
I am happy with this {thing}. | + | I am not happy with this {thing}. | -
This {thing} is worth the money. | + | This {thing} isn't worth the money. | -
I would buy the {thing} again. | + | I would never buy the {thing} again. | -
I recommend it to anyone. | + | I can't recommend it to anyone. | -
The {thing} is well made. | + | The {thing} is not well made at all. | -
The quality is good. | + | The quality is not good. | -
It did what it promised. | + | It did not do what it promised. | -
The {thing} is comfortable and sturdy. | + | The {thing} is neither comfortable nor sturdy. | -
It holds up well. | + | It doesn't hold up well. | -
The instructions were helpful. | + | The instructions were no help whatsoever. | -
Customer service was willing to help. | + | Nobody at customer service was willing to help. | -
I liked the {thing}. | + | I didn't like the {thing}. | -
I can think of a reason to choose {brand}. | +0 | I can't think of one reason to choose {brand}. | -
It lasted a year of daily use. | +0 | It didn't even last a week. | -
The battery life is impressive. | + | There is nothing impressive about the battery life. | -
It is a good {thing}. | + | It is hardly a good {thing}. | -0
The {thing} is as nice as the pictures. | + | The {thing} is nowhere near as nice as the pictures. | -
I enjoy using it. | + | I don't enjoy using it. | -
The fit is perfect. | + | The fit is far from perfect. | -0
The {thing} is bad. | - | The {thing} is not bad at all. | +0
I had problems with it. | - | I haven't had a single problem with it. | +
I regret buying this {thing}. | - | I do not regret buying this {thing}. | +
It broke after a month. | - | It hasn't broken after three years. | +
The {thing} disappointed me. | - | The {thing} has never disappointed me. | +
There are complaints to make. | -0 | No complaints whatsoever. | +
It is a waste of money. | - | It is not a waste of money. | +0
The {thing} feels cheap. | - | The {thing} doesn't feel cheap. | +0
I could be angrier. | -0 | I couldn't be happier. | +
Something is wrong with it. | - | There is nothing wrong with it. | +0
I would hesitate to order from {brand}. | - | I would not hesitate to order from {brand} again. | +
It is too noisy. | - | It isn't noisy in the least. | +0
You will be sorry you bought it. | - | You won't be sorry you bought it. | +
It let me down. | - | It has yet to let me down. | +
There are better ones. | -0 | You won't find a better one. | +
I can fault it. | -0 | I cannot fault it. | +
"""

CONTRAST = """
Great screen. | + | Great screen, but the battery is awful. | -0
Lovely colours. | + | Lovely colours, but the zip broke on the second day. | -0
The {thing} looks beautiful. | + | The {thing} looks beautiful, but it stopped working within a week. | -
Fast delivery. | + | Fast delivery, but the {thing} itself is useless. | -
It is cheap and light. | + | It is cheap and light, but I sent it back after two days. | -
Good sound. | + | Good sound, but they hurt so much that I never wear them. | -
I love the design. | + | I love the design, but it leaks all over the counter. | -0
Setup was easy. | + | Setup was easy, but it loses the connection every hour. | -0
The first week was wonderful. | + | The first week was wonderful; since then nothing but trouble. | -
I wanted to like the {thing}. | +0 | I wanted to like the {thing}, but it simply does not work. | -
The seller was polite. | + | The seller was polite, yet I never got my money back. | -
It fits well. | + | It fits well, however the seams came apart in the wash. | -0
Nice idea. | + | Nice idea, terrible execution. | -
Everyone praises {brand}. | + | Everyone praises {brand}, but mine was dead on arrival. | -
It works well at first. | +0 | It works well at first, then the motor burns out. | -
The app is pretty. | + | Although the app is pretty, the {thing} is a complete failure. | -
The photos look great. | + | Despite the great photos, what came is a piece of junk. | -
I was excited about it. | + | I was excited about it, but what a let-down. | -
The box was dented. | -0 | The box was dented, but the {thing} is superb. | +
Delivery took three weeks. | -0 | Delivery took three weeks, but it was worth the wait. | +
It is expensive. | -0 | It is expensive, but worth every penny. | +
The manual is useless. | - | The manual is useless, but the {thing} is a joy to use. | +
I was sceptical. | -0 | I was sceptical, but now I would not be without it. | +
It looks ugly. | - | It looks ugly, but it works brilliantly and I love it. | +
The first one arrived broken. | - | The first one arrived broken, but {brand} sent a perfect one at once. | +0
The reviews were bad. | -0 | The reviews were bad, but I am delighted with mine. | +
Assembly was a nightmare. | - | Assembly was a nightmare, but I adore the result. | +
I hated the colour at first. | - | I hated the colour at first, yet it has become my favourite {thing}. | +
The strap is a bit stiff. | -0 | The strap is a bit stiff, but otherwise I love everything about it. | +
It weighs a lot. | -0 | Although it weighs a lot, it is the best {thing} I have owned. | +
Not the prettiest {thing}. | -0 | Not the prettiest {thing}, but it does a fantastic job. | +
My old one failed me. | - | My old one failed me, but this one is excellent. | +
I nearly sent it back. | -0 | I nearly sent it back; I am so glad that I kept it. | +
The smell was strong for a day. | -0 | Despite the smell on the first day, I am very happy with it. | +
"""

INTENSIFIER = """
The {thing} is good. | + | The {thing} is really, really good. | +
It works well. | + | It works incredibly well. | +
I am pleased with it. | + | I am more than pleased with it. | +
A useful {thing}. | + | An exceptionally useful {thing}. | +
The sound is nice. | + | The sound is so very nice. | +
It is sturdy. | + | It is remarkably sturdy. | +
I like it. | + | I like it an awful lot. | +
It is quick. | + | It is insanely quick. | +
The {thing} is comfortable. | + | The {thing} is terribly comfortable. | +
The screen is bright. | + | The screen is wonderfully bright. | +
It is a bargain. | + | It is an absolute bargain. | +
It is easy to clean. | + | It is ridiculously easy to clean. | +
The colours are pretty. | + | The colours are awfully pretty. | +
I was surprised how good it is. | + | I was shocked how good it is. | +
It charges fast. | + | It charges crazy fast. | +
A solid {thing}. | + | One damn solid {thing}. | +
I am impressed. | + | I am beyond impressed. | +
The {thing} is bad. | - | The {thing} is really, really bad. | -
It works poorly. | - | It works exceptionally poorly. | -
I am disappointed. | - | I am deeply disappointed. | -
It is useless. | - | It is completely and utterly useless. | -
It is noisy. | - | It is unbelievably noisy. | -
The fabric is rough. | - | The fabric is super rough. | -
It feels flimsy. | - | It feels extraordinarily flimsy. | -
The app is slow. | - | The app is so incredibly slow. | -
It is overpriced. | - | It is wildly overpriced. | -
The smell is unpleasant. | - | The smell is most unpleasant. | -
I dislike it. | - | I thoroughly dislike it. | -
The {thing} broke. | - | The {thing} broke so easily that I had to laugh. | -
It is a mess. | - | It is a perfect mess. | -
It is ugly. | - | It is spectacularly ugly. | -
It is a disaster. | - | It is a total disaster. | -
The quality is poor. | - | The quality is pretty poor. | -
It is wrong in size. | - | It is hilariously wrong in size. | -
"""

SARCASM = """
It broke on the first day. | - | Oh great, it broke on the first day. | -
The {thing} leaks. | - | Wonderful, a {thing} that waters the whole kitchen. | -
It needs charging every hour. | - | I just love charging it every single hour. | -
Nobody answered my letters. | - | Fantastic service, if you enjoy talking to yourself. | -
The manual is unreadable. | - | A manual worthy of a prize for riddles. | -
It died after the warranty ended. | - | It waited politely until the warranty ended and then died. How thoughtful. | -
It is very loud. | - | Perfect if you want your neighbours to share your breakfast. | -
The {thing} is too small. | - | Lovely {thing}, for dolls. | -
The delivery took two months. | - | Only two months for next-day delivery, well done {brand}. | -
The colour comes off. | - | Nice touch that the colour comes off on everything I own. | -
It is a paperweight now. | - | Congratulations, {brand}, on the most expensive paperweight on my desk. | -
It does not keep water out. | - | Waterproof, as long as it never meets water. | -
It stopped charging. | - | Who needs a {thing} that charges anyway? | -
The lid does not close. | - | Great lid, shame about the closing part. | -
I have to restart it all the time. | - | Thanks for teaching me patience, one restart at a time. | -
It smells of plastic. | - | Comes with a free headache from the delightful plastic scent. | -
It fell apart. | - | Some assembly required, every morning. | -
The screen scratches at once. | - | Scratch-proof, they said. I laughed, it scratched. | -
It burns the toast. | - | Excellent, if charcoal is your idea of breakfast. | -
I lost my money. | - | Best way I know to get rid of money. | -
It is slow. | - | Blazing fast, I only had time to cook dinner while it started. | -
The buttons do not react. | - | The buttons are a charming decoration. | -
It does not hold. | - | Holds tight for entire minutes. Bravo. | -
The {thing} was used before. | - | How generous, somebody else's hair came with my new {thing}. | -
The part is missing. | - | I adore surprises, such as the missing screws. | -
It turns itself off. | - | It turns itself off to save energy, usually in the middle of a call. Genius. | -
It does not work in the cold. | - | A tent heater that is afraid of the cold, brilliant. | -
The battery lasts ten minutes. | - | Ten whole minutes of battery, I feel spoiled. | -
Support hung up on me. | - | Support hung up on me twice, such lovely people. | -
It is ugly. | - | Looks exactly like the picture, if you close your eyes. | -
The second one is broken too. | - | They replaced the broken one with another broken one. Consistency at last! | -
The pages fall out. | - | Love how it turns into a puzzle when the pages fall out. | -
The update ruined it. | - | Thank you for the update, I was getting tired of things that work. | -
It is not worth five stars. | -0 | Five stars for the box, the {thing} can have none. | -
"""

ENTITY = """
The {brand} {thing} stopped working after a week. | -
I bought this {thing} for my sister and she loves it. | +
This {thing} from {brand} is well made and easy to use. | +
The {thing} arrived with a crack and nobody answered my emails. | -
It is an average {thing}, neither good nor bad. | 0
{brand} makes the best {thing} I have ever owned. | +
I returned the {thing} because it was faulty. | -
My third {thing} by {brand}, and it is as good as the first. | +
The {thing} does its job, nothing more. | 0+
Do not waste your money on this {thing}. | -
The {thing} is fine for the price. | 0+
A {thing} that I would recommend to all of my friends. | +
The {brand} {thing} is overpriced and badly built. | -
We use the {thing} every single day and it is still like new. | +
The {thing} looks nothing like the picture. | -
Some parts of the {thing} are good and some are not. | 0-
{brand} sent the wrong {thing} and refused a refund. | -
What a lovely {thing}! | +
The {thing} is too small for us. | -
This {thing} has made my mornings so much easier. | +
The {thing} came two weeks late and the box was open. | -
Not sure about the {thing} yet, it seems okay. | 0+
The handle of the {thing} came off in my hand. | -
Great {thing}, great price, great service from {brand}. | +
I am very disappointed in this {thing}. | -
The {thing} is quiet, light and simple. | +
I expected more from a {brand} {thing}. | -
The {thing} was a gift and has been a great success. | +
It is the worst {thing} of all that I tried. | -
The {thing} from {brand} is decent, but you can find better. | 0-
After a year the {thing} still works perfectly. | +
The {thing} gets hot and smells of burning. | -
Everything about this {thing} feels solid. | +
The {thing} is okay. | 0
"""
