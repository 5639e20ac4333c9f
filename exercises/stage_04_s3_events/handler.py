"""Stage 04: an uploaded CSV file becomes a JSON report and a row in a table.

S3 invokes the function when a file whose name ends in .csv arrives under `incoming/`. The bucket
keeps versions. An event holds one or more records. Handle all of them:

    {"Records": [{"eventName": "ObjectCreated:Put",
                  "s3": {"bucket": {"name": "rides"},
                         "object": {"key": "incoming/2011+january.csv",     URL-encoded
                                    "versionId": "3sL4kqtJlcpXroDTDmJ...",
                                    "sequencer": "0055AED6DCD90281E5"}}}, ...]}

A file has a header line. Its columns come in any order, and there may be more than these three:

    day      day of the year, from 1 to 366
    hr       hour, from 0 to 23
    bikers   rides begun in that hour, 0 or more

All three are whole numbers, as int() reads them, so `07`, `+7` and ` 7` are valid. Quotes are those
of the csv module: a field in quotes may hold commas and line breaks. The file is UTF-8 text. An
empty line is not a row. A row is damaged if it has more or fewer fields than the header, or if one
of the three columns holds anything other than described above: count it, and use the rest of the
file.

1. The report goes to the bucket of the upload, to reports/NAME/VERSION.json. NAME is the key
   without `incoming/` at its start and `.csv` at its end, VERSION the versionId in the event.
   It has exactly these keys:

    {"file": "incoming/2011 january.csv", "version_id": "3sL4kqtJlcpXroDTDmJ...",
     "rows": 688, "damaged_rows": 2,      valid rows, damaged rows
     "bikers": 38189,                     the sum over all valid rows
     "by_day": {"1": 985, "2": 801},      bikers for each day that has a row
     "by_hour": {"0": 438, "1": 295}}     bikers for each hour that has a row

2. The row goes to the table that the environment variable TABLE names (the checks set it). Its key
   is the string `file`, a reserved word in DynamoDB: in an expression write `#file`, and
   ExpressionAttributeNames={"#file": "file"}. The row has these attributes:

    file, version_id, rows, damaged_rows, bikers   as in the report
    status "reported"; output, the report's key

   It may have others, but only those that are the same each time the event comes, so no time of
   processing.

Events may come twice, late, and two at once. When the same event comes again, the content of the
report and the row stay as they are. The event of an older version leaves the row of a newer one
alone, and still writes its own report. Of two versions of a key, the one with the lower sequencer
is older. A sequencer is a string with a hexadecimal number, and these strings may have different
lengths. Two environments may handle two versions of a file at the same moment, so the condition
belongs in the write of the row. The row of a newer version replaces the whole row.

If S3 or DynamoDB refuses a call, the file is not to blame: let that error out, so that Lambda
retries the event. Nobody reads the return value. Write nothing under `incoming/`.

Extra: damaged and large files.

A file may begin with a byte order mark, and may have 60 MB or more, while function.json gives the
function 60 s and 128 MB; leave it as it is.

A file that is damaged as a whole gets no report. Copy the version to quarantine/NAME/VERSION.csv,
unchanged, with the object metadata `reason`. Its row has file, version_id, output (the copy's key),
status "quarantined" and reason. The reasons (if two apply, either is correct):

    empty       it has no bytes
    encoding    it is not UTF-8 text
    header      a column is missing from the header
    rows        it has no valid row, or the csv module cannot read it (it raises csv.Error for a
                field of more than 131,072 characters)

The rules for repeated and late events apply to quarantine, too. Once a newer version is valid, the
row has no `reason`.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def handler(event, context):
    """Handles every record of the event: the docstring above is the whole contract."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
