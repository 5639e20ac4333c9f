"""Stage 05: the stations and rides of one city, as an HTTP API.

An HTTP API of API Gateway calls this function, with payload format 2.0. It has these routes, and
event["routeKey"] says which one was asked for:

    GET /stations                   200, a page of the stations, by station_id
    GET /stations/{station_id}      200, one station
    POST /rides                     201, the ride; its header Location is /rides/RIDE_ID
    GET /rides/{ride_id}            200, the ride
    DELETE /rides/{ride_id}         204, no body: the ride ends, its bike is at its station again
    OPTIONS /{proxy+}               204, no body: the preflight request of a browser

A page is in the form of GBFS 2.3, with one key more, `next`. The query string may hold `limit`
(1 to 100, by default 20) and `cursor` (the `next` of the page before):

    {"last_updated": 1767607200,              seconds since 1970, a whole number
     "ttl": 0, "version": "2.3",
     "data": {"stations": [STATION, ...]},    as many as `limit`, fewer on the last page only
     "next": "..."}                           a cursor, or null: there are no more

The page after a cursor may be empty, with `next` null: DynamoDB cannot always know that it was
at the end.

A STATION has exactly these keys; its numbers are JSON numbers, and all but lat and lon are whole:

    {"station_id": "w-001", "name": "Union Station", "lat": 38.897, "lon": -77.006,
     "capacity": 15, "num_bikes_available": 3, "num_docks_available": 12}

A cursor is opaque. It shows nothing of the table, neither the names of its key nor the city, in
clear, in hexadecimal or in base64. It is signed with CURSOR_KEY: one that was changed, or made
with another CURSOR_KEY, is an error.

POST /rides takes a JSON object, whatever the Content-Type; API Gateway hands a body on in base64
where the type is not a text type (isBase64Encoded). Other keys are ignored, a ride_id too. The
ride is the same object with a ride_id that no other ride has, so it has four keys:

    {"station_id": "w-001",       any string that is not empty
     "rider_id": "R-7",           any string that is not empty
     "minutes": 30}               an integer (30, not 30.0 or true), 1 to 120

It takes one bike from the station: num_bikes_available goes down by one, num_docks_available up.
Several riders may ask for the last bike at the same moment: one gets it, the others a 409. Of
several DELETEs of one ride, one brings its bike back, the others are a 404.

Errors are problem details (RFC 9457), with Content-Type application/problem+json. Each `detail`
is a sentence for people:

    {"title": "...", "status": 400, "detail": "...",
     "errors": [{"field": "minutes", "detail": "..."}, ...]}      of a 400: all that is wrong

    400   a field, `limit` or `cursor` that cannot be (an empty one neither); a body that is not
          a JSON object in UTF-8, as `body`
    404   there is no such station in this city, or no such ride
    409   the station has no bike
    500   anything unexpected, such as an item that lacks an attribute: the client is told nothing
          of its cause, the log all of it

Every answer, errors and OPTIONS too, has the header Access-Control-Allow-Origin with the value of
ALLOWED_ORIGIN. The answer to OPTIONS has Access-Control-Allow-Methods (GET, POST and DELETE) and
Access-Control-Allow-Headers (content-type) as well.

Environment variables: STATIONS_TABLE, RIDES_TABLE, CITY, ALLOWED_ORIGIN, CURSOR_KEY. The stations'
table has the partition key `city` and the sort key `station_id`. It holds many cities, and other
attributes beside those of a STATION. The rides' table has the partition key `ride_id`. Query,
GetItem and the conditional writes are all that you need: a Scan reads the other cities too.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Answers one HTTP request: the module's text above is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
