"""Stage 05: the stations and rides of one city, as an HTTP API.

An HTTP API in API Gateway calls this function, with payload format 2.0. It has these routes, and
event["routeKey"] says which one a client asked for:

    GET /stations/{station_id}      200, one station
    POST /rides                     201, the ride; its header Location is /rides/RIDE_ID
    GET /rides/{ride_id}            200, the ride
    DELETE /rides/{ride_id}         204, no body: the ride ends, and its station has the bike back
    GET /stations                   200, a page of the stations, by station_id (extra)
    OPTIONS /{proxy+}               204, no body: the preflight request of a browser (extra)

A response with a body is JSON, and its Content-Type says so: application/json, or
application/problem+json for an error.

A STATION has exactly these keys. Its numbers are JSON numbers, and all but lat and lon are whole:

    {"station_id": "w-001", "name": "Union Station", "lat": 38.897, "lon": -77.006,
     "capacity": 15, "num_bikes_available": 3, "num_docks_available": 12}

POST /rides takes a JSON object, whatever its Content-Type: API Gateway encodes a body in base64
where the type is not a text type (isBase64Encoded). Ignore other keys, even a ride_id. The ride is
the same object with a ride_id that no other ride has, so it has four keys:

    {"station_id": "w-001",       any string that is not empty
     "rider_id": "R-7",           any string that is not empty
     "minutes": 30}               an integer (30, not 30.0 or true), 1 to 120

A new ride takes one bike from the station: num_bikes_available goes down by one, and
num_docks_available goes up by one. Several riders may ask for the last bike at the same moment: one
gets it, the others get a 409.

DELETE gives the bike back. Of several DELETEs of one ride, one gives it back, the others get a 404.
If the station has been removed, the ride still ends (204), and no station is created.

Errors are problem details (RFC 9457). Each `detail` is a sentence for people:

    {"title": "...", "status": 400, "detail": "...",
     "errors": [{"field": "minutes", "detail": "..."}, ...]}      for a 400: all that is wrong

    400   a wrong field; a body that is not a JSON object in UTF-8 (field: body); a wrong `limit`
          or `cursor`, or both (extra)
    404   the station does not exist in this city, or the ride does not exist
    409   the station has no bike
    500   anything unexpected, such as an item that lacks an attribute: the response says nothing
          about the cause, the log says everything

Environment variables: STATIONS_TABLE, RIDES_TABLE, CITY, ALLOWED_ORIGIN, CURSOR_KEY. The stations'
table has the partition key `city` and the sort key `station_id`. It holds many cities, and other
attributes besides those of a STATION. The rides' table has the partition key `ride_id`. Query,
GetItem and conditional writes are all that you need: a Scan reads the other cities, too.

EXTRA: pages. A page has the form of GBFS 2.3, with one more key, `next`. The query string may
hold `limit` (1 to 100; without it, 20) and `cursor` (the `next` of the page before). `limit` is an
integer as int() reads it, so `05` is 5. An empty `limit=` or `cursor=` is wrong.

    {"last_updated": 1767607200,              seconds since 1970, an integer
     "ttl": 0, "version": "2.3",
     "data": {"stations": [STATION, ...]},    as many as `limit`, fewer on the last page only
     "next": "..."}                           a cursor; null if there are no more

One Query may return fewer: it reads 1 MB at most. The page after a cursor may be empty, with `next`
null, because DynamoDB does not always know that it has reached the end.

A cursor is opaque. It shows neither the names of the table's key nor the city, whether as plain
text, in hexadecimal or in base64. It is signed with CURSOR_KEY, and works in every execution
environment that has this key. A cursor that was changed, or signed with another key, is wrong.

EXTRA: CORS. Every response, even an error or that to OPTIONS, has the header
Access-Control-Allow-Origin with the value of ALLOWED_ORIGIN. The response to OPTIONS also has
Access-Control-Allow-Methods (GET, POST and DELETE) and Access-Control-Allow-Headers (content-type).
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Answers one HTTP request: the module's docstring is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
