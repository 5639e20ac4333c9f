"""Stage 04: an uploaded CSV file becomes a JSON report and a row in a table.

S3 invokes the function when a file that ends with .csv arrives under `incoming/`. The bucket
keeps versions. The event holds one record or more, and all of them count:

    {"Records": [{"eventName": "ObjectCreated:Put",
                  "s3": {"bucket": {"name": "rides"},
                         "object": {"key": "incoming/2011+january.csv",     URL-encoded
                                    "versionId": "3sL4kqtJlcpXroDTDmJ...",
                                    "sequencer": "0055AED6DCD90281E5"}}}, ...]}

A file has a header line; columns come in any order, and there may be more than these:

    day      day of the year, from 1 to 366
    hr       hour, from 0 to 23
    bikers   rides begun in that hour, 0 or more

All three are whole numbers, as int() reads them: `07`, `+7` and ` 7` too. The file is UTF-8 text,
with or without a byte order mark, and may have 60 MB or more. An empty line is no row. A row is
damaged if it has more or fewer fields than the header, or if one of the three columns holds
something else than said above: it is counted, and the rest of the file is used.

1. The report goes to the bucket of the upload, to reports/NAME/VERSION.json. NAME is the key
   without the `incoming/` it begins with and the `.csv` it ends with, VERSION the versionId in the
   event. Exactly these keys:

    {"file": "incoming/2011 january.csv", "version_id": "3sL4kqtJlcpXroDTDmJ...",
     "rows": 688, "damaged_rows": 2,      rows that are right, rows that are damaged
     "bikers": 38189,                     the sum over all rows that are right
     "by_day": {"1": 985, "2": 801},      bikers for each day, those without a row left out
     "by_hour": {"0": 438, "1": 295}}     bikers for each hour, likewise

2. The row goes to the table TABLE (an environment variable); its key is the text `file`. It
   holds these, and more if you want:

    file, version_id, rows, damaged_rows, bikers   as in the report
    status "reported"; output, the report's key

A file that is damaged as a whole gets no report. It is copied to quarantine/NAME/VERSION.csv,
unchanged, with the object metadata `reason`, and its row holds file, version_id, output (the
copy's key), status "quarantined" and reason. The reasons (where two fit, either is right):

    empty       it has no bytes
    encoding    it is not UTF-8 text
    header      a column is missing in the header
    rows        no row in it is right, or the csv module cannot read it (it raises csv.Error
                for a field of more than 131,072 characters)

Events may come twice, and late. After the same event again, the report's content and the row are
as before. The event of an older version leaves the row of a newer one alone, reported or
quarantined; its own report or copy is written all the same. Of two versions of a key, the one
with the lower sequencer is older: a hexadecimal number, whose texts may have different lengths.
The row of a newer version replaces the whole row: once a file is fixed, no `reason` is left.

What S3 or DynamoDB refuses is no fault of the file: let that error out, so that Lambda tries the
event again. Nobody reads the result. Write nothing under `incoming/`.

function.json gives the function 60 s and 128 MB. Leave it as it is.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Handles every record of the event: the module's text above is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
