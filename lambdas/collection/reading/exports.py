"""Exports of shops and review sites: their columns, with an example of two lines each.

docs/formats.md lists them from this table, and a test reads every example without a mapping.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Export:
    """One export: which of its columns is which field, and two lines of it."""

    name: str
    columns: Mapping[str, str]
    example: str


def _export(name: str, example: str, **columns: str) -> Export:
    return Export(name, columns, example)


EXPORTS = (
    _export(
        "Yotpo",
        "Review ID,Review Score,Review Title,Review Content,Review Creation Date,Product ID,"
        "Product Title,Reviewer Display Name,Upvotes\n"
        "71,5,Good,Fits my kettle,2022-10-05,SKU9,Kettle,Ann,3",
        text="Review Content", rating="Review Score", title="Review Title",
        date="Review Creation Date", product_id="Product ID", product_title="Product Title",
        reviewer="Reviewer Display Name", review_id="Review ID", helpful_votes="Upvotes",
    ),
    _export(
        "Judge.me",
        "title,body,rating,review_date,source,curated,reviewer_name,reviewer_email,product_id,"
        "product_handle\n"
        "Good,Warm and light,5,2023-04-02 10:00:00 UTC,web,ok,Ann,ann@example.org,812,scarf",
        text="body", rating="rating", title="title", date="review_date", product_id="product_id",
        reviewer="reviewer_email",
    ),
    _export(
        "Loox",
        "product_handle,rating,author,email,body,created_at,verified_purchase\n"
        "lamp,4,Ann,ann@example.org,Bright enough to read,2023-01-09T08:30:00Z,true",
        text="body", rating="rating", date="created_at", product_id="product_handle",
        reviewer="author", verified="verified_purchase",
    ),
    _export(
        "Stamped",
        "id,email,author,reviewRating,reviewTitle,reviewMessage,reviewDate,productId,productTitle,"
        "reviewVotesUp\n"
        "5,ann@example.org,Ann,2,Thin,The fabric tears,2023-02-11,77,Tent,1",
        text="reviewMessage", rating="reviewRating", title="reviewTitle", date="reviewDate",
        product_id="productId", product_title="productTitle", reviewer="author",
        helpful_votes="reviewVotesUp",
    ),
    _export(
        "Okendo",
        "reviewId,rating,title,body,dateCreated,productId,productName,reviewer,isRecommended\n"
        "r-1,5,Lovely,Soft from the first day,2023-05-01T12:00:00Z,88,Towel,Ann,true",
        text="body", rating="rating", title="title", date="dateCreated", product_id="productId",
        product_title="productName", reviewer="reviewer", review_id="reviewId",
    ),
    _export(
        "Reviews.io",
        "review_id,rating,title,comments,date_created,sku,product_name,author,author_email\n"
        "61,3,Fine,Does the job,2022-12-24 18:20:11,SK-4,Grater,Ann,ann@example.org",
        text="comments", rating="rating", title="title", date="date_created", product_id="sku",
        product_title="product_name", reviewer="author", review_id="review_id",
    ),
    _export(
        "Trustpilot",
        "Review Created (UTC),Review Username,Review Title,Review Content,Review Stars,"
        "Location Name\n"
        "2023-02-03 11:12:13,Kim,Fast,The parcel came in two days,5,Leeds",
        text="Review Content", rating="Review Stars", title="Review Title",
        date="Review Created (UTC)", reviewer="Review Username", product_title="Location Name",
    ),
    _export(
        "Google Play Console",
        "Package Name,App Version Code,Reviewer Language,Review Submit Date and Time,Star Rating,"
        "Review Title,Review Text\n"
        "org.example.notes,12,en,2023-03-01T09:10:11Z,2,Slow,Loses my notes",
        text="Review Text", rating="Star Rating", title="Review Title",
        date="Review Submit Date and Time", product_id="Package Name",
    ),
    _export(
        "App Store",
        "id,author,im:version,im:rating,title,content,updated\n"
        "9001,Ann,2.1,1,Crashes,It closes when I scroll,2023-03-04T05:06:07-07:00",
        text="content", rating="im:rating", title="title", date="updated", reviewer="author",
    ),
    _export(
        "Google Maps and Business Profile",
        "reviewId,displayName,starRating,comment,createTime,placeId\n"
        "m-1,Ann,FOUR,Friendly staff and warm bread,2023-06-07T08:09:10Z,ChIJ1",
        text="comment", rating="starRating", date="createTime", product_id="placeId",
        reviewer="displayName", review_id="reviewId",
    ),
    _export(
        "WooCommerce",
        "comment_ID,comment_post_ID,comment_author,comment_date,comment_content,rating,verified\n"
        "7,101,Ann,2021-07-01 09:00:00,A sturdy box,5,1",
        text="comment_content", rating="rating", date="comment_date",
        product_id="comment_post_ID", reviewer="comment_author", review_id="comment_ID",
        verified="verified",
    ),
    _export(
        "Shopify Product Reviews",
        "product_handle,state,rating,title,author,email,location,body,reply,created_at\n"
        "mug,published,5,Great,Ann,ann@example.org,Bern,Keeps tea hot,,2021-05-06 07:08:09 UTC",
        text="body", rating="rating", title="title", date="created_at",
        product_id="product_handle", reviewer="author",
    ),
    _export(
        "Etsy",
        "reviewer,date_reviewed,star_rating,message,order_id\n"
        "Ann,03/29/2023,5,Beautifully made ring,2001",
        text="message", rating="star_rating", date="date_reviewed", reviewer="reviewer",
    ),
    _export(
        "eBay",
        "Feedback ID,Feedback Type,Comment,Item Number,Item Title,Buyer,Date\n"
        "f-3,Negative,The parcel never came,1122,Old radio,ann7,14-Mar-23",
        text="Comment", rating="Feedback Type", date="Date", product_id="Item Number",
        product_title="Item Title", reviewer="Buyer", review_id="Feedback ID",
    ),
    _export(
        "Olist",
        "review_id,order_id,review_score,review_comment_title,review_comment_message,"
        "review_creation_date\n"
        "a2,o2,5,recomendo,Chegou antes do prazo,2018-03-10 00:00:00",
        text="review_comment_message", rating="review_score", title="review_comment_title",
        date="review_creation_date", review_id="review_id",
    ),
    _export(
        "Airbnb",
        "listing_id,id,date,reviewer_id,reviewer_name,comments\n"
        "2818,1191,2019-03-30,10952,Ann,A quiet room near the canal",
        text="comments", date="date", product_id="listing_id", reviewer="reviewer_id",
    ),
    _export(
        "Steam",
        "recommendationid,app_id,author.steamid,review,timestamp_created,voted_up,votes_up\n"
        "770,440,7656119,Runs well on old machines,1609459200,True,2",
        text="review", rating="voted_up", date="timestamp_created", product_id="app_id",
        reviewer="author.steamid", review_id="recommendationid", helpful_votes="votes_up",
    ),
    _export(
        "Yelp",
        "review_id,user_id,business_id,stars,useful,funny,cool,text,date\n"
        "y1,u1,b1,4.0,2,0,1,Good soup and quick service,2018-07-07 22:09:11",
        text="text", rating="stars", date="date", product_id="business_id", reviewer="user_id",
        review_id="review_id", helpful_votes="useful",
    ),
    _export(
        "Goodreads",
        "user_id,book_id,review_id,rating,review_text,date_added,n_votes\n"
        "u8,b12,r5,5,A slow start but a fine end,Fri Aug 25 13:55:02 -0700 2017,16",
        text="review_text", rating="rating", date="date_added", product_id="book_id",
        reviewer="user_id", review_id="review_id", helpful_votes="n_votes",
    ),
    _export(
        "Drugs.com",
        "uniqueID,drugName,condition,review,rating,date,usefulCount\n"
        '900,Brandol,cough,It helped within a day,9,"May 20, 2012",27',
        text="review", rating="rating", date="date", product_title="drugName",
        category="condition", review_id="uniqueID", helpful_votes="usefulCount",
    ),
    _export(
        "RentTheRunway and ModCloth",
        "user_id,item_id,rating,rented_for,review_text,review_summary,category,review_date\n"
        '42,2260,10,vacation,The romper fits well,So pretty,romper,"April 20, 2016"',
        text="review_text", rating="rating", title="review_summary", date="review_date",
        product_id="item_id", category="category", reviewer="user_id",
    ),
    _export(
        "Amazon Fine Foods",
        "Id,ProductId,UserId,ProfileName,HelpfulnessNumerator,HelpfulnessDenominator,Score,Time,"
        "Summary,Text\n"
        "1,B00F,A3S,Ann,1,2,5,1303862400,Good food,My dog likes it",
        text="Text", rating="Score", title="Summary", date="Time", product_id="ProductId",
        reviewer="UserId", helpful_votes="HelpfulnessNumerator",
    ),
)  # fmt: skip
"""The exports that are read without a mapping."""
