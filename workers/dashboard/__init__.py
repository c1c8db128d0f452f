"""The queues as rq-dashboard shows them (decision 0035).

Workers write what becomes of their messages into RQ's model, in a Redis database of its own. A
keeper, beside rq-dashboard, compares that with what Dramatiq holds. Nothing depends on it.
"""
