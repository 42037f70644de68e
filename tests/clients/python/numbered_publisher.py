"""Publishes reports with numbered ids until it is killed; prints each id once publish has returned.

numbered_publisher.py ENDPOINT OUTBOX PREFIX
"""

import sys

from fusiongateway import Publisher

endpoint, outbox, prefix = sys.argv[1:]
with Publisher("reports", outbox, endpoint=endpoint, retry_min=0.05) as publisher:
    number = 0
    while True:
        publisher.publish({"reportId": f"{prefix}-{number}", "kind": "SENSOR_READING"})
        print(f"{prefix}-{number}", flush=True)
        number += 1
