"""Stage 09: stations report how many bikes they hold, and riders find one with their phones.

Two functions are made of this file, with the handlers handler.telemetry and handler.find:

    station ──▶ topic ──▶ rule ──▶ telemetry ──▶ table ◀── find ◀── function URL ◀── phone

Both have the environment variables STATIONS_TABLE and TOKEN_KEY, and a layer with the library
PyJWT (`import jwt`). The table has the partition key station_id, and these attributes:

    station_id, name        strings
    lat, lon                its place, in degrees (N)
    cell                    "3888:-7705", the square of 0.01 degrees in which it lies:
                            floor(lat * 100), a colon, floor(lon * 100). A closed station has none.
    bikes, docks, battery   of the newest report, with its seq, and updated_at: when it came (N).
    seq, updated_at         All five are missing as long as there is no report.

and others, which riders must not see. The index by_cell has the partition key cell.

RULE. A station publishes to the topic stations/STATION_ID/status. rule.json contains the SQL of
the rule that passes on the reports of all stations, if their kind is "status":

    {"kind": "status",          other kinds, such as "selftest", are left out
     "seq": 17, "bikes": 5, "docks": 10, "battery": 3.71,
     "device_id": "31200",      the station's own idea of its id, often wrong after a repair
     "sent_at": 946684800000}   the station's clock, which may be years off

The topic says who sent it, and the rule says when it came. `telemetry` gets this event:

    {"station_id": "31623",         the second part of the topic
     "received_at": 1777896190500,  the rule's timestamp(): milliseconds since 1970
     "seq": 17, "bikes": 5, "docks": 10, "battery": 3.71}

An event may have more keys; ignore them.

TELEMETRY stores a report in the row of its station and changes nothing else there. `seq` grows
with each report of a station. Reports come late, twice and in any order: a report whose seq is
not larger than the row's changes nothing. The function never makes a row, and publishes nothing.

    {"result": "stored"}    returned where the row has the report now
    {"result": "old"}       the row has a report with this seq, or a larger one
    {"result": "unknown"}   the table has no such station
    {"result": "invalid"}   seq, bikes or docks is not an integer from 0 (bikes, docks: to 200), or
                            battery is not a number from 0 to 5. 5.0 and true are not integers.

Whether a report that is wrong in two ways is "unknown" or "invalid" is up to you. If the table
cannot be written, raise: Lambda retries.

FIND gets requests to a function URL, GET /?lat=38.8893&lon=-77.0502&limit=3, and answers with a
statusCode and JSON (Content-Type: application/json):

    200  {"stations": [{"station_id": "31623", "name": "Lincoln Memorial",
                        "lat": 38.8886, "lon": -77.0492, "bikes": 5, "meters": 116}, ...]}
         the open stations with a bike within 500 m, the nearest first, `limit` of them at most,
         with exactly these keys, all numbers but name and id; meters is a whole number. Distances
         are along a sphere with a radius of 6,371,000 m.
    400  {"error": "..."}: lat is not a number from -60 to 60, lon not one from -180 to 180, or
         limit not an integer from 1 to 10. Without `limit` it is 3.
    401  {"error": "..."} and the header WWW-Authenticate: Bearer. The request lacks the header
         Authorization: Bearer TOKEN with a good token. Check it before the query.

A good TOKEN is a JSON Web Token that is signed with TOKEN_KEY by HS256, with the audience (aud)
"find-a-bike", a rider (sub), and an expiry time (exp) in the future.

Ask by_cell for the cell of the rider and the eight around it. They reach 500 m in all directions:
a cell is 1,112 m high, and at 60 degrees still 556 m wide.

EXTRA: the date line. West of 180 degrees lies column 17999, east of it column -18000.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def telemetry(event, context):
    """Stores the report of a station."""
    # --- your code: start ---
    return {}
    # --- your code: end ---


def find(event, context):
    """Answers a rider who looks for a bike."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
