"""Where an article's own text begins and ends, and what of a site recurs around it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi_dentsu.domain.wrapping import Known, line_key, own_span, recurring_lines

TEXT = (
    "The agency opened a studio in Porto on Monday, its third in Europe. It will train models on "
    "the archives of its clients.\n\n“We hired forty people,” said its head, Ana Reis. The studio "
    "is to serve retailers (most of them small) first."
)


def own(body: str, known: Known | None = None) -> str:
    return (own_span(body, known) if known else own_span(body)).of(body)


@pytest.mark.parametrize(
    "wrapping",
    [
        # agencies and those who wrote
        "(Reporting by Jo Weiss in Porto; Editing by Kim Ode)",
        "Additional reporting by Jo Weiss; writing by Kim Ode",
        "[Edited by Kim Ode]",
        "With inputs from agencies",
        "--IANS",
        "AFP",
        "Source: Reuters",
        "___\n\nPress Writer Jo Weiss in Porto contributed to this report.",
        "Follow Jo Weiss on Twitter at https://twitter.example/jo",
        "Jo Weiss is a writer in Porto. Reach him at jo@adledger.example",
        "Jo Weiss covers brands. You can e-mail her here or follow her on Twitter.",
        "Special correspondent Jo Weiss in Porto and staff writer Kim Ode contributed reporting.",
        "Originally published on Ad Ledger as The studio that was never built.",
        "Read the full article, which originally appeared on Ad Ledger, here.",
        "Sponsored content is written by Ad Ledger without any influence by the sponsor.",
        "Want the week in brief? Our newsletter is delivered to your inbox. Sign up here.",
        "More: why a bank was told to switch off its models",
        "Written by Jo Weiss for the Ad Ledger, with additional reporting from Kim Ode",
        # where it comes from
        "(This story has not been edited by Ad Ledger staff and is generated from a feed.)",
        "This article was originally published on The Brand Desk.",
        "See the original version of this story on Brand Desk",
        "Published Date: Nov 20, 2026 10:10 pm | Updated Date: Nov 20, 2026",
        "© 2026 Ad Ledger",
        "Copyright 2026 The Associated Press. All rights reserved.",
        # subscribing and sharing
        "Already a subscriber? Log in",
        "Sign up for our daily newsletter here",
        "For all the latest Brand News, download the Ad Ledger App",
        "Get the week's stories in your email every Friday",
        "Download the Ad Ledger app to get news on the go",
        "Share Tweet Email 12 Comments",
        "Share on Facebook Share on Twitter",
        "CONNECTTWEETLINKEDINCOMMENTEMAILMORE",
        "Like us on Facebook\n\nFollow us on Twitter",
        # further links
        "Read more: How a bank answers with models",
        "RELATED STORIES:\n\nA bank answers with models\n\nWhy search is cheap again",
        "Also read\n\nA bank answers with models",
        "Tags: studio, Porto, retail",
        "#Studio#Porto#Retail",
        "Advertisement",
        # several
        "- Reuters\n\nShare\n\nComments\n\nMore stories\n\nA bank answers with models",
    ],
)
def test_what_follows_an_article_is_not_the_article(wrapping: str) -> None:
    assert own(f"{TEXT}\n\n{wrapping}") == TEXT


@pytest.mark.parametrize(
    "wrapping",
    [
        "PORTO, Nov 20 (Reuters) - ",
        "PORTO, Portugal, Nov. 20, 2026 /PRNewswire/ -- ",
        "PORTO--(BUSINESS WIRE)--",
        "PORTO, Nov. 20, 2026 (GLOBE NEWSWIRE) -- ",
        "NEW YORK (AP) -- ",
        "Porto, Portugal (AFP) – ",
        "By Jo Weiss and Kim Ode, Ad Ledger\n\n",
        "By Jo Weiss\n\nPublished: 20 November 2026\n\n",
        "Share Tweet Email\n\n",
        "Advertisement\n\nPORTO (AP) - ",
        "Get brand updates directly to your inbox+ SubscribeThank you for subscribing!\n\n",
        "Image copyright: Kim Ode\n\n",
        "Associated Press\n\n",
    ],
)
def test_what_stands_before_an_article_is_not_the_article(wrapping: str) -> None:
    assert own(wrapping + TEXT) == TEXT


@pytest.mark.parametrize(
    "credit",
    [
        *(" (Reporting by Jo Weiss)", " -- Reuters", " – AFP", "(PTI)", "AFP", " Reuters"),
        " (Created by Jo Weiss; Editing by Kim Ode)",
    ],
)
def test_a_credit_in_the_last_line_ends_the_text(credit: str) -> None:
    assert own(TEXT + credit) == TEXT


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        f"{TEXT} The report is by Reuters.",
        f"{TEXT} The other agency of the two is AFP.",
        f"{TEXT}\n\nSubscribe to continue reading.",
        f"{TEXT}\n\nShares of the company rose by 4 percent.",
        f"{TEXT}\n\nMore than 400 readers wrote to us.",
        f"{TEXT}\n\nCopyright law is what the head fears most, she said.",
        f"{TEXT}\n\n“Read more books,” she said.",
        f"{TEXT}\n\nUp next: the studio moves to Braga. It has 40 rooms.",
        f"{TEXT}\n\nMore: they count 40 rooms. Some are empty.",
        f"{TEXT}\n\nWhat do you think a model costs? About 4 million, she said.",
        f"{TEXT}\n\nThis story is about people who write briefs for models.",
        f"{TEXT}\n\nFacebook and Google both train models on it.",
        f"{TEXT}\n\nResearch by Ad Ledger shows that 6 of 10 brands follow.",
        f"{TEXT}\n\nWritten by a model, the spot ran in Braga.",
        f"{TEXT}\n\nThis report was published by Ode, and it counts 40 studios.",
        f"{TEXT}\n\nStores use models to reach them at the right time.",
        f"{TEXT}\n\nThe studio hopes to reach Young Parents at home.",
        f"For the latest quarter, the studio told of a loss.\n\n{TEXT}",
        f"Want to bring models to your email marketing? Five brands tell how.\n\n{TEXT}",
        f"Download the studio's app and ask it for a plan: it asks for money.\n\n{TEXT}",
        f"By Monday the studio had opened.\n\n{TEXT}",
        f"Share prices fell.\n\n{TEXT}",
        f"Porto (population 230,000) - {TEXT}",
    ],
)
def test_text_about_the_same_things_stays(text: str) -> None:
    assert own(text) == text


@pytest.mark.parametrize(
    "sentence",
    [
        "Sign up for newsletters fell 20 percent after the change, the publisher said.",
        "All rights reserved is what the contract says, and the studio wants them back.",
        "Follow us on Instagram is the most common call to action.",
        "Subscribe to our newsletter, the banner says, but few do.",
        "Like us on Facebook was once worth a million dollars to the brand.",
        "Join the conversation is the slogan that the bank chose for its chatbot.",
        "Get the news to your inbox every morning was the promise of the start-up.",
        "Sign up for email alerts was the only thing that visitors of the page did.",
        "Already a subscriber? That question costs publishers a third of their visitors.",
        "Download our app for all the coupons, the poster read, and thousands came.",
        "Stay tuned for the newsletter, the agency told its clients in May.",
        "For the latest figures, follow the money, the analyst said.",
        "Sponsored content is written by freelancers who are paid by the word.",
        "Copyright 2026 was printed on every poster that the agency made.",
        "Copyright by itself protects no style, the court ruled on Friday.",
        "Photo credit is what the photographers ask for, and nothing else.",
        "Image courtesy matters more than money to the photographers who sued.",
        "With inputs from sensors, the model sets the price of each poster.",
        "This article was translated by a model that costs a cent a page.",
        "Originally published in German, the book is now a bestseller in Spain.",
        "See the original version of the contract and you will find no such clause.",
        "First published in May, the ranking names ten agencies.",
        "Click here to buy is the phrase that the model likes best.",
        "Tags: the small labels that brands put on clothes are now read by phones.",
        "Send us your ideas, the brand asked, and 40,000 people did.",
        "What do you think of ads in chatbots? Two of three would let us know, it found.",
        "Have your say was the title of the hearing.",
        "Let us know was what the union demanded.",
        "Contributed reporting is a skill that few schools teach.",
        "News delivered to your inbox is a habit of people over forty.",
        "The letter is delivered to your inbox and opened by a bot before you see it.",
        "The rule says that ads may not be published, broadcast or printed near a school.",
        "Tom Baker contributed to this report by the ministry with figures from 40 shops.",
        "Subscribe to the channel, Weiss tells viewers at the end of each clip, and they do.",
        "Register for updates here, the ministry wrote, but its page was down.",
        "Follow Anna Reis on Twitter and you will see how a brand talks to its fans.",
        "Not a member? Half of the gym's ads begin with these words.",
        "© is the sign that the brand forgot, and so it lost its case.",
        "Labels: the printer sold four million of them in May.",
        "Updated May 4, the list now has 40 names on it",
        "Like us on Facebook, they wrote on each cup, and sales doubled",
        "Find us on YouTube says the van that tours the country",
        "Sign up for the newsletter and leave, that is the pattern the publisher sees.",
        "Subscribe to alerts from the bank and a bot calls within a minute, customers complain.",
        "Follow the brand on Instagram long enough and every post looks the same.",
        "Like the page on Facebook, get a coupon: the offer broke no law, a judge decided.",
        "Join us on LinkedIn, the recruiter writes to everybody who ever opened the app.",
        "Get the app in your inbox schemes have cost users 4 million euros.",
        "Want the report in your email? The firm sells it for 900 euros instead.",
        "Already a member? Then the price doubles, a reader discovered.",
        "Not a subscriber? Too bad, says the chatbot of the paper.",
        "Download the new shopping app for more discounts, chains tell customers in vain.",
        "Stay connected to the network was the rule in the Facebook office.",
        "For all the latest trends, visit Porto, designers say.",
        "Copyright 2025 saw the most lawsuits since the invention of radio.",
        "Copyright by the agency does not cover prompts.",
        "© 2026 appears on every clip that the model makes, though nobody owns it.",
        "Photo by photo, the model learned what a shoe is.",
        "Image by AI labels became law in Spain.",
        "With files from the server, investigators proved the fraud.",
        "This story is part of why readers distrust ads.",
        "This article has been edited by three models, two people and a cat, the site boasts.",
        "This post was created by a bot that thinks it is a dentist.",
        "Originally published by a tiny press, the book now sells in forty countries.",
        "First appeared in 2014, and the meme never left.",
        "Tags: nobody reads them, but search engines do.",
        "Topics: what people talk about moves faster than brands can.",
        "Click here to win banners are back.",
        "Tap here for help leads to a bot.",
        "Send your ads to the model first, Reis advises clients.",
        "Send feedback to a bot and you get an apology, nothing more.",
        "Have your say on billboards, the council asked, and 4,000 residents answered.",
        "Let us know if it hurts, the dentist's chatbot says before each joke.",
        "What do you think below the line means? Marketers in the survey let us know: nothing.",
        "Do you have a tip for us? asks the paper, and readers send gossip.",
        "All rights reserved, the label told the court.",
        "All rights reserved by Disney end up in the same vault.",
        "Nothing contributed to this report more than the data of the chain itself.",
        "Three interns contributed reporting that won the prize.",
        "The tabloid, delivered to your inbox at dawn, sells more ads than its paper version.",
        "Want it delivered to your inbox? So do thieves, police warn.",
        "Facebook shares more.",
        "Photo: the only thing missing is the model.",
        "Image: what matters to brands.",
        "Follow me on Twitter, the minister begged, and 12 people did.",
        "Contact the author at https://press.example, the page says, but nobody answers.",
        "Reach me at 4 in the morning, the founder tells clients.",
        "By Jo Weiss, for Jo Weiss, about Jo Weiss: the show is a hit.",
        "Follow us on Facebook pages multiply whenever an election nears.",
        "Like us on Facebook buttons vanished from most shops this year.",
        "Subscribe to our newsletter prompts lift revenue by a tenth, the chain reckons.",
        "Copyright 2026 lawsuits pile up in the courts.",
        "For all the latest gadgets, customers still visit shops.",
    ],
)
def test_a_sentence_that_only_begins_like_wrapping_stays(sentence: str) -> None:
    assert own(f"{TEXT}\n\n{sentence}") == f"{TEXT}\n\n{sentence}"
    assert own(f"{sentence}\n\n{TEXT}") == f"{sentence}\n\n{TEXT}"


@pytest.mark.parametrize(
    "wrapping",
    [
        "(Reporting by Jo Weiss; editing by Kim Ode and Al Roth)",
        "(Additional reporting by Jo Weiss in Braga; Writing by Kim Ode; Editing by Al Roth)",
        "Reporting by Jo Weiss, Editing by Kim Ode",
        "Reporting: Jo Weiss; Editing: Kim Ode and Al Roth",
        "Additional reporting: Jo Weiss",
        "Additional reporting from Jo Weiss, PA",
        "Words: Jo Weiss",
        "Report by Jo Weiss and Kim Ode",
        "(The opinions expressed here are those of the author, a columnist for Ad Ledger.)",
        "(Jo Weiss is an analyst in Porto. The views expressed are her own.)",
        "This is a developing story. Please check back for updates.",
        "This story has been updated.",
        "This article was amended on 20 November 2026 to correct the name of the brand.",
        "Correction: An earlier version of this article misstated the name of the brand.",
        "Read next: A bank answers with models",
        "Don’t miss: A bank answers with models",
        *("Terms of Service", "Privacy Policy", "Listen to this article", "5 min read"),
        "Our Standards: The Thomson Reuters Trust Principles.",
        "Our Standards: The Thomson Reuters Trust Principles., opens new tab",
        "Read Next",
        "© 2026 AFP",
        (
            "©2026 The Brand Desk. Visit Brand Desk at desk.example. Distributed by Tribune "
            "Content Agency, LLC."
        ),
        (
            "Copyright 2026 Brand Desk. All rights reserved. This material may not be published, "
            "broadcast, rewritten or redistributed without permission."
        ),
        (
            "© 2026 The Associated Press. All rights reserved. This material may not be "
            "published, broadcast, rewritten or redistributed without permission. Learn more "
            "about our Terms of Use."
        ),
        (
            "(Except for the headline, this story has not been edited by our staff and is "
            "published from a syndicated feed.)"
        ),
        "This story has not been edited by our team and is auto-generated from a syndicated feed",
        "(With inputs from ANI)",
        "(With agency inputs)",
        "With PTI inputs",
        "— With files from Reuters",
        "With files from The Canadian Press",
        "This report by The Canadian Press was first published Nov. 20, 2026.",
        "—With assistance from Jo Weiss and Kim Ode.",
        "With assistance by Jo Weiss",
        "To contact the reporter on this story: Jo Weiss in Porto at jweiss@desk.example",
        "To contact the editors responsible for this story: Kim Ode at kode@desk.example, Al Roth",
        "©2026 Bloomberg L.P.",
        "(c) 2026, The Washington Post",
        "dpa/kio",
        "jw/ko (AFP, Reuters, dpa)",
        "IANS jw/ko",
        "Source: IANS",
        "PTI JW KO",
        "(AFP)",
        "– dpa",
        "Edited by: Kim Ode",
        "Editor: Kim Ode",
        "Reporter: Jo Weiss",
        "Writing by Jo Weiss",
        "Jo Weiss reported from Porto.",
        "Jo Weiss, a correspondent in Porto, contributed reporting.",
        "AP writer Jo Weiss in Porto contributed to this report.",
        "Associated Press writers Jo Weiss in Porto and Kim Ode in Braga contributed.",
        "Follow Jo Weiss at twitter.com/jo",
        "Follow AP's coverage at https://apnews.example/hub",
        "Follow us on X, Facebook and Instagram",
        "Follow us on Google News and get the latest updates",
        "Join our WhatsApp channel for daily updates",
        "Subscribe to our YouTube channel",
        "Subscribe to our newsletter to get the day's top stories delivered to your inbox.",
        "Sign up to our daily newsletter",
        "Sign up for The Brief, our free daily e-mail.",
        "Get all the latest news in your inbox. Sign up here.",
        "You can unsubscribe at any time.",
        "By signing up you agree to our terms of use and privacy policy.",
        "Don't have an account? Register",
        "Already have an account? Sign in",
        "Share this article",
        "Share this on Facebook",
        "Copy link",
        "Print this article",
        "Email this to a friend",
        "Comments (0)",
        "0 Comments",
        "Leave a comment",
        "Leave a Reply",
        "View Comments",
        "Read full story",
        "Read the original article on Brand Desk.",
        "This article originally appeared on Brand Desk: Why the studio opened",
        "This story was originally featured on Brand Desk",
        "The post Why the studio opened appeared first on Brand Desk.",
        "Originally published at Brand Desk",
        "First published on Brand Desk, Nov 20, 2026",
        "Republished with permission from Brand Desk.",
        "This is a syndicated feed from Brand Desk.",
        (
            "Disclaimer: This story is auto-generated from a feed and has not been edited by "
            "Brand Desk."
        ),
        (
            "Disclaimer: The views expressed are those of the author and do not necessarily "
            "reflect those of Brand Desk."
        ),
        "The views expressed in this article are the author's own.",
        "Read more on: AI | Ads | Porto",
        "Topics: AI, Ads, Porto",
        "Tags: #AI #Ads",
        "Filed Under: AI, ads",
        "Related Topics: AI Ads Porto",
        "More on this story",
        "More from Brand Desk",
        "You might also like",
        "Recommended for you",
        "Most Popular",
        "Trending",
        "Top Stories",
        "Latest News",
        "Also Read | Why the studio opened",
        "ALSO READ: Why the studio opened",
        "READ MORE | Why the studio opened",
        "READ ALSO: Why the studio opened",
        "Read: Why the studio opened",
        "See also: Why the studio opened",
        "Watch: Why the studio opened",
        "Photo by Kim Ode on Unsplash",
        "Featured image: Kim Ode",
        "Image credit: Kim Ode/Getty Images",
        "(Photo by Kim Ode/Getty Images)",
        "Getty Images",
        "Advertisement - Continue Reading Below",
        "- Advertisement -",
        "Story continues below advertisement",
        "ADVERTISEMENT",
        "Sponsored Content",
        "About the author: Jo Weiss writes about brands.",
        "ENDS",
        "###",
        "-30-",
        "SOURCE Brand Desk",
        "View original content: https://www.prnewswire.example/1.html",
        "View source version on businesswire.example: https://www.businesswire.example/1",
        "Contact: Jo Weiss, jo@desk.example",
        "Media contact: Jo Weiss, +351 210 000 000",
        "Catch all the Business News, Breaking News Events and Latest News Updates on Brand Desk.",
        "Download The Brand Desk News App to get Daily Market Updates.",
        "Get the latest news on your phone. Download the app.",
        "For more such stories, follow us on Facebook",
        "Stay tuned for more updates.",
        "Stay up to date with the latest news. Follow us on Telegram.",
        "Got a tip? Write to tips@desk.example",
        "Have a story for us? Email us at desk@desk.example",
        "What do you think? Let us know in the comments below.",
        "Thank you for reading.",
        "Thanks for reading Brand Desk!",
        "(Additional reporting Jo Weiss, Kim Ode; Editing by Al Roth)",
        "(Produced by IANS)",
        "-- Reuters\n\n(Reporting by Jo Weiss)",
        "This is a developing story",
        "More follows",
        "More AP ad coverage: https://desk.example/ads",
    ],
)
def test_other_agencies_and_sites_word_it_otherwise(wrapping: str) -> None:
    assert own(f"{TEXT}\n\n{wrapping}") == TEXT


@pytest.mark.parametrize(
    "sentence",
    [
        "All rights reserved means little when a model has read every page.",
        "All rights reserved: the phrase on each poster did not stop the copies.",
        "“All rights reserved” was printed on the box.",
        "Copyright 2026 will be remembered as the year of the lawsuits.",
        "Reporting by numbers is what the new dashboard promises.",
        "Editing by algorithm saves the studio four hours a week.",
        "Written by hand, the letters reached 40,000 homes.",
        "Reporting by AI grew by half in a year.",
        "Follow us on TikTok, and we plant a tree: the offer went viral.",
        "Follow the money, the analysts told the board.",
        "Read more, scroll less is the motto of the new app.",
        "Read also what the critics said: they were not kind.",
        "Share this story with a friend was the plea at the end of each film.",
        "Share this ad and win, it said.",
        "Subscribe to nothing is the advice of the consumer group.",
        "Subscribe now buttons turn red when a reader hesitates.",
        "Sign up here for the trial, the site urged, and the card was charged at once.",
        "Advertisement is a word that the network avoids.",
        "Advertisement spending rose by 4 percent.",
        "This article was written by a human, the label says.",
        "This story was first told by a poster in Braga.",
        "This story has been translated into forty languages and still sells shoes.",
        "This article first appeared as a thread and became a book that sold a million copies.",
        "With reports from the field, the team built a map of prices.",
        "With agency inputs in hand, the bank cut its budget.",
        "Source: nobody could name one.",
        "Source: the model itself, the spokesman joked.",
        "Image: Getty sued the maker of the model in 2023.",
        "Photo: a camera that costs 40 euros.",
        "Picture credit cards that talk: that is what the start-up sells.",
        "Tags: each shoe carries two of them, one for the shop and one for the phone.",
        "Topics: bread, butter and ads were all that the panel discussed.",
        "More from this section of the market came in May, when two rivals merged.",
        "Related stories of failure fill the second half of the book.",
        "Most read newspapers sell fewer ads than most watched clips.",
        "Top stories cost more to advertise beside.",
        "Recommended by nine of ten dentists is a claim the court banned.",
        "Click here for more is the least clicked phrase, the study found.",
        "Download the app to get a coupon, shoppers are told at the door.",
        "Get our newsletter in your inbox each morning, the baker promised, with bread.",
        "For more information, customers turn to chatbots rather than to shops.",
        "For more on this, economists look to Spain.",
        "Comments? The firm has none.",
        "Comments are closed at most papers, and few miss them.",
        "Published in May by a small press, the guide has sold out.",
        "Updated daily, the list of 40 names decides who is hired.",
        "Posted on a wall in Braga in 2024, the slogan is now on shirts.",
        "Last updated in 2019, the rules know nothing of chatbots.",
        "Jo Weiss contributed to this report more than anybody, the jury wrote.",
        "Reuters.com lost half of its visitors.",
        "AP photos sell best.",
        "Bloomberg and Reuters both train models.",
        "(The campaign was edited by a model.)",
        "(Reporting rules are stricter in Spain.)",
        "By Christmas the studio wants 80 people.",
        "By Braga standards, that is a fortune.",
        "From Porto, for Porto is the motto.",
        "Contact us at the fair, the sellers begged, but nobody came.",
        "E-mail us your worst ad, the radio host said, and 900 did.",
        "Join us for breakfast is how the bank invites its critics.",
        "Like what you see? The banner paid for itself in a week.",
        "Watch this space: the studio will open in Braga next.",
        "Watch now, pay later plans spread to films.",
        "Next page please, the child told the speaker.",
        "Close the menu and the ad follows you.",
        "Listen to the ad, the judge told the lawyers.",
        "Ends of the market that nobody served are the target.",
        "30 percent of the budget goes to search.",
        "Loading screens sell more than banners.",
        "Search is cheap again.",
        "Not edited by anyone, the clip ran for a week.",
        "Republish our articles and you owe us money, the paper told the start-up.",
        "Terms of use grow longer each year.",
        "Privacy policy is a career now.",
        "You may also like what the rival does, the coach said.",
        "Trending now in Lisbon: quiet ads.",
        "What to read next is decided by a model that knows your sleep.",
        "Do not sell my data is a link that few find.",
        "(This article costs nothing.)",
        "(Written by hand.)",
        "More to come were the words that ended each clip.",
        "This is a developing story of money and models.",
        "Follow our coverage maps to the shop, the chain told drivers.",
        "Jo Weiss reported from her kitchen.",
        "Getty Images won the case.",
        "Disclaimer: this is not an ad, the poster says.",
        "Disclaimer: the content was “made by hand,” the label of the shop reads.",
        "Story by story, the tower rises.",
        "Words: they cost nothing.",
        "Reporting: the craft that models learn.",
        "Additional reporting from the field shows that prices rose.",
        "This story was updated by machines every hour.",
        "Correction: the market fell again.",
        "Jo Weiss is an analyst. The views expressed in Porto are harsh.",
        "Privacy policy is a page that nobody reads.",
        "Up next for the brand: Porto.",
        "Thanks for reading the label, the box says.",
        "Stay tuned for the price, the firm hinted.",
    ],
)
def test_sentences_that_begin_or_end_alike_stay(sentence: str) -> None:
    assert own(f"{TEXT}\n\n{sentence}") == f"{TEXT}\n\n{sentence}"
    assert own(f"{sentence}\n\n{TEXT}") == f"{sentence}\n\n{TEXT}"


@pytest.mark.parametrize(
    "note",
    [
        "Correction: An earlier version of this article said that the firm got $85 million. "
        "It got $75 million.",
        "This article was amended on 20 November 2026. The firm gets 75%, not 85%.",
        "Correction: An earlier version of this report misstated who paid. It was the buyer.",
        "Clarification: A previous version of this story named the wrong city. It should be Porto.",
    ],
)
def test_a_note_that_tells_what_is_right_is_part_of_the_article(note: str) -> None:
    assert own(f"{TEXT}\n\n{note}") == f"{TEXT}\n\n{note}"


STORY = " ".join([TEXT] * 4)


@pytest.mark.parametrize("between", ["\n\n", " "])
@pytest.mark.parametrize(
    "notice",
    [
        "We use cookies and similar tools to show you better adverts.",
        "This site uses cookies. By staying, your consent is assumed. Learn more",
        "This website is using cookies to work well. We assume that you are OK with this, "
        "but you can opt out. Accept Read more",
        "We and our 812 partners keep information on your device, such as cookies. You may "
        "change your preferences at any time. Please note that personal data may be used without "
        "your consent.",
        "With your consent, we together with our partners read exact places by device scanning.",
        "By clicking “Accept all cookies”, you let us keep cookies on your device.",
        "We value your privacy. We and selected vendors use personal data for advertising.",
        "It seems that you are using an ad blocker. Advertising pays for our work, so please "
        "switch off your ad blocker.",
        "Please enable JavaScript to see this page.",
        "JavaScript is disabled in your browser.",
        "Your browser does not support this player.",
    ],
)
def test_what_a_site_says_to_its_visitors_is_not_the_article(notice: str, between: str) -> None:
    assert own(f"{notice}{between}{STORY}") == STORY


@pytest.mark.parametrize(
    "sentence",
    [
        "We use cookies to measure campaigns, and so do most brands, Anna Berg wrote.",
        "Publishers say: “We value your privacy”, and sell it.",
        "This site uses cookies, said the regulator of the bank's page.",
        "You can accept cookies or pay: that is what publishers offer.",
        "If you use cookies to target ads, the new rule affects you.",
        "JavaScript is required reading for marketers.",
        "Your browser knows more of you than your bank does.",
        "Our partners in advertising want your data, the chain announced.",
        "We and our readers have waited for this model.",
        "Ad blockers cost publishers a tenth of their sales.",
        "JavaScript is required for most web jobs today.",
        "Your privacy is important to us, the giant tells its users.",
        "We and our partners launch a vault for personal data today.",
        "Accept cookies? A new law lets you choose.",
    ],
)
def test_an_article_about_cookies_and_blockers_is_whole(sentence: str) -> None:
    assert own(f"{sentence} {STORY}") == f"{sentence} {STORY}"


@pytest.mark.parametrize(
    "lead",
    [
        "US advertising spending fell by five per cent.",
        "US privacy law binds vendors and their partners.",
        "You need consent to train models, regulators insist.",
        "Close to 400 people lost their jobs.",
        "OK Magazine was sold to a chain.",
        "Continue reading was all the page of the bank showed.",
    ],
)
def test_an_article_begins_in_the_paragraph_below_a_notice(lead: str) -> None:
    assert own(f"This site uses cookies.\n\n{lead} {STORY}") == f"{lead} {STORY}"


def test_a_notice_stays_where_hardly_a_report_follows_it() -> None:
    teaser = TEXT.split("\n")[0]
    assert own(f"We use cookies to show you adverts. {teaser}").endswith(f"adverts. {teaser}")


@pytest.mark.parametrize("body", ["", "Share", "Share\n\nTweet", "Few words.\n\nAdvertisement"])
def test_where_hardly_anything_else_is_left_the_wrapping_is_the_text(body: str) -> None:
    assert own(body) == body


SITE_LINE = "Our desk answers letters each Friday 12."


def articles(count: int, subject: str = "", line: str = SITE_LINE) -> list[tuple[str, str]]:
    subjects = ["studio", "bank", "search", "retail", "radio", "poster", "voice", "price"]
    return [
        (f"{subject} {name}", f"The {name} of the week, told at length for readers.\n\n{line}")
        for name in subjects[:count]
    ]


def test_a_line_that_recurs_at_a_source_is_known() -> None:
    found = recurring_lines(articles(8))
    assert found["end"] == {line_key(SITE_LINE): 8}
    known: Known = {place: frozenset(lines) for place, lines in found.items()}
    assert own(f"{TEXT}\n\nOur desk answers letters each Friday 7.", known) == TEXT
    assert own(f"{SITE_LINE}\n\n{TEXT}", known) != TEXT


@pytest.mark.parametrize(
    "found",
    [
        recurring_lines(articles(4)),
        recurring_lines(articles(8, subject="The Porto fire:")),
        recurring_lines(articles(8)[:1] * 8),
        recurring_lines(articles(8, line="Friday, 20 November 2026")),
    ],
    ids=["rarely", "of one event", "one article under many urls", "a date"],
)
def test_what_recurs_for_another_reason_is_not(found: dict[str, dict[str, int]]) -> None:
    assert not found["end"]


@given(st.permutations(articles(8)))
def test_what_recurs_does_not_depend_on_the_order(shuffled: list[tuple[str, str]]) -> None:
    assert recurring_lines(shuffled) == recurring_lines(articles(8))


LINES = st.lists(
    st.sampled_from(["", "Share", "___", TEXT, "AFP", "Read more", "(Reporting by", ")", "- AFP"])
)


@given(LINES.map("\n".join), st.sampled_from(["", " ", "\n"]))
def test_the_own_text_lies_in_the_body(body: str, around: str) -> None:
    body = around + body + around
    start, end = own_span(body)
    assert 0 <= start <= end <= len(body)


@pytest.mark.parametrize(
    "body",
    [
        *("A/" * 500_000, "Ab, " * 250_000 + "(", "(" * 1_000_000 + ")", "Share\n" * 200_000),
        *("(reporting by " * 70_000 + ")", "mar " * 99, "tweet" * 79 + "x", "\n" * 1_000_000),
        *("we and our partners " * 50_000, "We value your privacy. " + "." * 1_000_000),
    ],
    ids=lambda body: body[:9],
)
def test_a_million_hostile_characters_cost_less_than_a_second(body: str) -> None:
    started = time.process_time()
    own_span(body)
    assert time.process_time() - started < 1
