"""The sentences of the sample reviews, written for this project.

Each category has aspects; each aspect has positive, negative and neutral sentences. ``{p}`` is the
short name of the product.
"""

OPENERS = {
    "positive": [
        "Very happy with this.",
        "Third month in and still impressed.",
        "Exactly what I hoped for.",
        "I don't usually write reviews, but here we are.",
        "Better than the one it replaced.",
        "My sister recommended the {p} and she was right.",
        "Worth every penny.",
        "Love it!",
        "Bought the {p} on a whim and have no regrets.",
        "Solid buy.",
        "This has been a lovely surprise.",
        "I was sceptical at first, but the {p} won me over.",
        "Great value for what you get.",
        "We use the {p} every single day.",
        "Five stars from the whole household.",
        "Brilliant.",
        "Second one I have bought, this time as a gift.",
        "Not a single complaint so far.",
        "After a lot of searching I settled on the {p}, and I'm glad.",
        "Does the job and then some.",
    ],
    "negative": [
        "Really disappointed.",
        "I wanted to like the {p}, I really did.",
        "Do not buy.",
        "Sent it back after a week.",
        "Save your money.",
        "What a let-down.",
        "Not fit for purpose.",
        "Oh great, another gadget that dies the day after the return window closes.",
        "I expected far more from the {p} at this price.",
        "One star because zero isn't possible.",
        "The photos are flattering, the {p} is not.",
        "Worst purchase of the year.",
        "Avoid.",
        "Fantastic, if you enjoy writing to customer service.",
        "It worked for about a fortnight.",
        "I regret throwing away the box.",
        "My old one was ten years old and still better.",
        "No idea where the good reviews come from.",
        "Looks nice, and that is all I can say for it.",
        "Twice now the {p} has let me down.",
    ],
    "neutral": [
        "It's fine.",
        "A mixed bag.",
        "Decent, not remarkable.",
        "Three stars feels about right.",
        "The {p} is neither great nor terrible.",
        "Some things I like, some I don't.",
        "Average.",
        "Okay for the money, I suppose.",
        "I keep going back and forth on this one.",
        "Does what it says, no more.",
        "Hard to rate.",
        "It's alright once you know its limits.",
        "Not bad, not what I would call good either.",
        "Middle of the road.",
        "I'd call the {p} acceptable.",
        "Half of it is well thought out.",
        "Meh.",
    ],
}

CLOSERS = {
    "positive": [
        "Would buy again.",
        "Recommended.",
        "Thank you to whoever designed this.",
        "Ten out of ten.",
        "I have already told two friends about it.",
        "No hesitation in recommending the {p}.",
        "Hope they never stop making it.",
        "Can't fault it.",
        "👍",
        "Really pleased.",
        "",
        "If mine got lost I would order another the same day.",
        "",
        "",
    ],
    "negative": [
        "Never again.",
        "I want my money back.",
        "Look elsewhere.",
        "Such a shame.",
        "",
        "I'm still waiting for an answer from support.",
        "Going back to my old one.",
        "😡",
        "Spend a little more and get something that lasts.",
        "Not recommended.",
        "",
        "",
        "The refund, at least, was quick.",
        "My advice: read the bad reviews first. I didn't.",
    ],
    "neutral": [
        "I'll keep it, but I won't rave about it.",
        "Might suit others better.",
        "",
        "",
        "",
        "Buy it on offer, not at full price.",
        "Let's see how it holds up.",
        "Take that as you will.",
        "If they fix the small things it could be a good one.",
        "Not sure I would choose it again.",
        "Check the measurements before you order.",
        "Good enough for now.",
    ],
}

CATEGORIES = {
    "Kitchen": {
        "heat": {
            "positive": [
                "It comes up to temperature in no time.", "Heats evenly, no cold corner anywhere.",
                "Breakfast is ready before I have found my glasses.", "Holds its heat right to the last cup.",
                "Toast, soup, porridge, it copes with all of it.",
            ],
            "negative": [
                "One side scorches while the other stays raw.", "It takes forever to warm up.",
                "The thermostat seems to guess.", "Lukewarm is the best it can manage.",
                "It switches itself off halfway through.",
            ],
            "neutral": [
                "It heats well enough if you give it ten minutes.",
                "Fast on the high setting, sluggish on the low one.",
                "The dial goes to six, though anything above four looks much the same.",
            ],
        },
        "cleaning": {
            "positive": [
                "Cleaning is a quick wipe and done.", "Everything that comes off goes in the dishwasher.",
                "Nothing sticks, not even burnt cheese.", "The drip tray slides out without spilling.",
            ],
            "negative": [
                "Crumbs get into a gap that no cloth can reach.", "The coating started to flake after a month.",
                "It is a pain to clean, honestly.", "Limescale built up in a week and will not budge.",
                "The lid traps water and it began to smell.",
            ],
            "neutral": [
                "Cleaning is easy apart from the lid, which is fiddly.",
                "Hand wash only, which I hadn't noticed when ordering.",
                "You need a bottle brush, and mine didn't come with one.",
            ],
        },
        "noise and size": {
            "positive": [
                "Quiet enough to use while the baby sleeps.", "Small footprint, so it stays on the worktop.",
                "The cord tucks away underneath, a nice touch.", "Looks far more expensive than it was.",
            ],
            "negative": [
                "It sounds like a lorry reversing.", "Far bigger than the pictures suggest.",
                "The plastic smell never went away.", "The lead is so short that I need an extension.",
                "It wobbles on a perfectly flat counter.",
            ],
            "neutral": [
                "Louder than my last one, but it is over quickly.",
                "It takes up more room than I would like, though it does look smart.",
                "The colour is more grey than the blue in the photo.",
            ],
        },
    },
    "Outdoor": {
        "weather": {
            "positive": [
                "Stayed bone dry through a night of sideways rain.", "Shrugged off a proper Atlantic gale.",
                "Warm at minus five with nothing but a thin liner.", "The seams are taped properly.",
                "Mud just brushes off once it dries.",
            ],
            "negative": [
                "Water came through the seams in the first shower.", "The wind bent it like a drinking straw.",
                "I was shivering by midnight.", "The zip let in so much rain that everything was soaked.",
                "The fabric faded to pink after one summer.",
            ],
            "neutral": [
                "Keeps drizzle out; I wouldn't trust it in a storm.",
                "Warm enough for June, not for April.",
                "It dried slowly, although nothing actually leaked.",
            ],
        },
        "weight": {
            "positive": [
                "So light that I checked twice whether I had packed it.", "Packs down to the size of a loaf.",
                "The straps sit well even on a long day.", "My shoulders thanked me after twenty kilometres.",
            ],
            "negative": [
                "It weighs a good kilo more than stated.", "It never fits back into its bag.",
                "The strap cut into my shoulder all day.", "A buckle snapped on the second outing.",
                "The stitching came undone while it was still in the garden.",
            ],
            "neutral": [
                "Light for its size, bulky once packed.",
                "Comfortable for an hour, less so after four.",
                "You get used to the weight, but you do notice it.",
            ],
        },
        "set-up": {
            "positive": [
                "Up in five minutes, alone, in the dark.", "The instructions are short and actually correct.",
                "My kids could put it together.", "Every part clicks in with a reassuring snap.",
            ],
            "negative": [
                "Two pegs were missing and one was bent.", "The instructions show a different model.",
                "Putting it up takes three people and a lot of patience.", "One pole was shorter than the other.",
            ],
            "neutral": [
                "The first time took an hour, the second fifteen minutes.",
                "No manual in the box, but there is a video.",
                "The pegs are thin, so I used my own.",
            ],
        },
    },
    "Audio": {
        "sound": {
            "positive": [
                "The sound is warm and clear, voices especially.", "Bass you can feel without it turning to mush.",
                "I'm hearing details in old records that I never noticed.", "Fills the kitchen easily at half volume.",
                "Podcasts sound as if people were in the room.",
            ],
            "negative": [
                "Tinny and thin, like a phone in a biscuit tin.", "It crackles as soon as you turn it up.",
                "All bass and no voice.", "The left side is quieter than the right.",
                "There is a constant hiss in quiet passages.",
            ],
            "neutral": [
                "The sound is good for speech, flat for music.",
                "Fine at low volume; it strains when you push it.",
                "Not quite the bass I wanted, though the treble is clean.",
            ],
        },
        "battery": {
            "positive": [
                "The battery lasts a full working week.", "Charges in half an hour and goes on all day.",
                "I keep forgetting when I last charged it.", "Ten minutes on the cable gave me an evening.",
            ],
            "negative": [
                "The battery is flat by lunchtime.", "It claims twenty hours and gives me six.",
                "It won't charge unless the cable is held at an angle.", "It loses half its charge overnight.",
            ],
            "neutral": [
                "Battery life is about what was promised, at low volume.",
                "It lasts the day, but charging takes all night.",
                "The charge indicator jumps from half to empty.",
            ],
        },
        "connection": {
            "positive": [
                "It pairs the moment I open the case.", "Never drops out, even two rooms away.",
                "Switches between laptop and phone without fuss.", "Calls are clear on both ends.",
            ],
            "negative": [
                "It drops the connection whenever I put the phone in my pocket.",
                "Pairing took me an hour, and then it forgot everything.",
                "People tell me I sound as if I were under water.", "The app wants an account for everything.",
            ],
            "neutral": [
                "The connection is stable with my phone, moody with my laptop.",
                "Pairing is simple once you find the right button.",
                "The app isn't pretty, but you hardly need it.",
            ],
        },
    },
    "Home Office": {
        "build": {
            "positive": [
                "Sturdy, no wobble even at full height.", "The finish is lovely and hides fingerprints.",
                "It has survived two house moves.", "All the screws lined up, which never happens to me.",
                "Feels like it was made by people who use one.",
            ],
            "negative": [
                "It wobbles with every key I press.", "The surface scratched on the first day.",
                "A leg was cracked when I opened the box.", "The paint rubs off on my sleeves.",
                "Screws of three sizes, none of which fit.",
            ],
            "neutral": [
                "Steady at low height, a little shaky at the top.",
                "The top is real wood, the frame feels cheaper.",
                "Well made, apart from one drawer that sticks.",
            ],
        },
        "comfort": {
            "positive": [
                "My back stopped aching within a week.", "I can sit through a day of meetings in comfort.",
                "The light is soft and doesn't glare on the screen.", "Adjusts to my height, and I'm tall.",
            ],
            "negative": [
                "My wrists hurt after an hour.", "The cushion went flat in a month.",
                "It flickers, and I get a headache.", "The armrests slide about as they please.",
            ],
            "neutral": [
                "Comfortable for short stretches, firm after that.",
                "Fine for my height; my partner finds it too low.",
                "It took a week to get used to.",
            ],
        },
        "delivery": {
            "positive": [
                "Arrived a day early and well packed.", "Assembly took twenty minutes with one tool.",
                "A question to the seller was answered within the hour.", "Plug it in and it works, no drivers.",
            ],
            "negative": [
                "It came two weeks late with no explanation.", "The box looked as if it had been dropped, and it had.",
                "Support asked me the same question four times.", "Half of the fittings were missing.",
            ],
            "neutral": [
                "Delivery was late but the driver was kind.",
                "Assembly is doable; allow an afternoon.",
                "Well packed, with rather too much plastic.",
            ],
        },
    },
}  # fmt: skip

FAULT = [
    "The hinge cracked clean through after three weeks.",
    "The left hinge snapped while I was folding them, no force at all.",
    "Hinge broke. Tape is holding it together now.",
    "There is a hairline crack in the hinge, just like in the other recent reviews.",
    "The plastic around the hinge split on the second day.",
    "Mine is from the new batch and the hinge gave way within a month.",
    "I loved the old pair, so I bought these again, and the hinge fell apart in my hands.",
    "Replacement arrived and its hinge cracked in exactly the same spot.",
    "It squeaks for a few days and then the hinge goes.",
    "The headband dangles from one side because the hinge has broken.",
    "They sound as good as ever, but what use is that with a snapped hinge?",
    "A hinge that breaks in week two is not wear and tear.",
]
