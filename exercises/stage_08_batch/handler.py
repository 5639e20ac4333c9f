"""Stage 08: every night, a year of log files becomes one report.

This file becomes three functions, with the handlers handler.planner, handler.worker and
handler.reducer. All have the environment variables BUCKET, a bucket, and QUEUE_URL, a queue.

    schedule ──▶ planner ──▶ queue ──▶ worker, many times ──▶ results ──▶ reducer ──▶ report

A log file is text, compressed with gzip. Its key ends in .log.gz; ignore all other keys. Read the
lines whose second word is `rides`, and skip all others, even empty ones:

    2011-11-06T01:00:00-04:00 rides casual=11 registered=49
    2011-11-06T01:00:00-05:00 rides casual=2 registered=31
    2011-11-06T01:05:12-05:00 docks faulty=2

Each hour with rides has one such line. The time is local time in the city, with its offset from
UTC. On the day when the clocks go back, an hour comes twice. A ride belongs to the day in its line.

The planner, and later the reducer, get the same event, which the schedule sends:

    {"time": "2026-11-27T08:30:00Z", "prefix": "logs/2011/"}

NIGHT is the date in `time`, as it is written there: 2026-11-27.

planner   sends one message for each log file whose key begins with `prefix`, however many they
          are, in batches of up to 10. A message is JSON: {"night": NIGHT, "key": KEY}.
          SQS may refuse some entries of a batch and still respond with 200: send those again, up
          to 5 times for each batch. If SQS refuses some even then, raise an error.
          Returns {"night": NIGHT, "files": the number of log files}.

worker    gets messages from the queue. For each, it adds up the file and stores the result.
          Returns {"batchItemFailures": [{"itemIdentifier": messageId}, ...]} with the messages
          that failed: the file is missing or damaged, it has a rides line that cannot be read,
          or the message is not from the planner. A message that fails holds up no other.

reducer   writes reports/NIGHT.csv: a header, then a line for each day, in order:

              day,hours,casual,registered
              2011-11-06,25,1073,2246

          `hours` is the number of the day's rides lines. If a file of the night's plan has no
          result, raise an error and write no report: somebody has to look.
          Returns {"report": "reports/NIGHT.csv", "files": the number of log files}.

Keep the plan and the results in the bucket, below work/NIGHT/, in a form of your choice. Any of
the three may run again for the same night, wholly or in part, in another execution environment
and in any order. The report stays the same, byte for byte: it has no time of processing, and no
file counts twice. Results of another night do not count.

night.json holds the settings around the functions:

    queue     attributes for create_queue. The worker's messages stay invisible for at least six
              times the function's timeout plus the mapping's batching window. After 5 to 10
              receives in vain, a message goes to the dead-letter queue ${DLQ_ARN}. Numbers and
              objects need no quotes: {"RedrivePolicy": {"maxReceiveCount": ...}}.
    mapping   for create_event_source_mapping. Lambda has to read which messages failed.
    schedule  for create_schedule: at 03:30 every night, New York time, without a flexible window.
              Instead of a Target it has the Input, an object: the event above, with
              <aws.scheduler.scheduled-time> for `time`.

EXTRA: the reducer also writes reports/NIGHT.html. It contains one <svg>, with one <rect> for each
month that has rides, in order; its attribute `height` is proportional to the month's rides, casual
and registered. The page's text names the night and the total number of rides, in digits only. The
page stays the same, byte for byte, as the CSV file does.
"""

# --- your imports, constants and helpers: start ---

# --- your imports, constants and helpers: end ---


def planner(event, context):
    """Sends a message for each log file."""
    # --- your code: start ---
    return {}
    # --- your code: end ---


def worker(event, context):
    """Adds up the file of each message, and returns the messages that failed."""
    # --- your code: start ---
    return {}
    # --- your code: end ---


def reducer(event, context):
    """Writes the report of a night whose files are all added up."""
    # --- your code: start ---
    return {}
    # --- your code: end ---
