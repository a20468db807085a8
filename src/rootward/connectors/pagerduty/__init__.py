"""PagerDuty: its API in, signals out; knows no other connector."""
