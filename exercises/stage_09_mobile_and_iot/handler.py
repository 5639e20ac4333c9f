"""Stage 09: stations report how many bikes they hold, and riders find one with their phones.

This file becomes two functions, with the handlers handler.telemetry and handler.find:

    station ──▶ topic ──▶ rule ──▶ telemetry ──▶ table ◀── find ◀── function URL ◀── phone

Both have the environment variables STATIONS_TABLE and TOKEN_KEY, and a layer with the library
PyJWT (`import jwt`). The table has the partition key station_id, and these attributes:

    station_id, name        strings
    lat, lon                its position, in degrees (N)
    cell                    "3888:-7705", the square of 0.01 degrees that contains it:
                            floor(lat * 100), a colon, floor(lon * 100). A closed station has none.
    bikes, docks, battery   from the newest report, with its seq; updated_at is when it arrived (N).
    seq, updated_at         All five are missing until there is a report.

The table also has other attributes, which riders must not see. The index by_cell has the partition
key cell.

RULE. A station publishes to the topic stations/STATION_ID/status. rule.json contains the SQL of
the rule that passes on the reports of all stations, if their kind is "status":

    {"kind": "status",          other kinds, such as "selftest", are left out
     "seq": 17, "bikes": 5, "docks": 10, "battery": 3.71,
     "device_id": "31200",      the station's own idea of its id, often wrong after a repair
     "sent_at": 946684800000}   the station's clock, which may be years off

The topic says who sent a report, and the rule says when it arrived. `telemetry` gets this event:

    {"station_id": "31623",         the second part of the topic
     "received_at": 1777896190500,  the rule's timestamp(): milliseconds since 1970
     "seq": 17, "bikes": 5, "docks": 10, "battery": 3.71}

An event may have more keys; ignore them.

TELEMETRY stores a report in the row of its station and changes nothing else there. `seq` grows
with each report of a station. Reports arrive late, twice, in any order, and several at the same
moment: a report whose seq is not larger than the row's changes nothing. The function never creates
a row, and publishes nothing.

    {"result": "stored"}    returned if the row now has the report
    {"result": "old"}       the row has a report with this seq, or a larger one
    {"result": "unknown"}   the table has no such station
    {"result": "invalid"}   seq is not an integer of 0 or more, bikes or docks is not one from 0 to
                            200, or battery is not a number from 0 to 5. true is neither an
                            integer nor a number, and 5.0 is not an integer.

If a report is invalid and its station is unknown, return either result. If you cannot write to the
table, raise an error, so that Lambda retries.

FIND gets requests to a function URL, GET /?lat=38.8893&lon=-77.0502&limit=3, and answers with a
statusCode and JSON (Content-Type: application/json):

    200  {"stations": [{"station_id": "31623", "name": "Lincoln Memorial",
                        "lat": 38.8886, "lon": -77.0492, "bikes": 5, "meters": 116}, ...]}
         the open stations with a bike within 500 m, the nearest first, at most `limit` of them,
         with exactly these keys. station_id and name are strings, lat and lon are numbers, bikes
         and meters are integers. Distances are along a sphere with a radius of 6,371,000 m.
    400  {"error": "..."}: lat is not a number from -60 to 60, lon not one from -180 to 180, or
         limit not an integer from 1 to 10. Without `limit` it is 3.
    401  {"error": "..."} and the header WWW-Authenticate: Bearer. The request lacks the header
         Authorization: Bearer TOKEN with a valid token. Check it before the query.

A valid TOKEN is a JSON Web Token that is signed with TOKEN_KEY by HS256, with the audience (aud)
"find-a-bike", a rider (sub), and an expiry time (exp) in the future.

Query by_cell for the rider's cell and the eight around it. They reach 500 m in all directions:
a cell is 1,112 m high, and at 60 degrees still 556 m wide.

EXTRA: the date line. Column 17999 is to the west of 180 degrees, and column -18000 to the east.
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
