"""Elasticsearch's query DSL and aggregations evaluated over columns: a request body in, rows and buckets out.

Meanings follow the reference at elastic.co/docs/reference/query-languages/querydsl and …/aggregations. What is not supported is
refused in the words Elasticsearch has for it, never guessed.
"""
