"""CloudWatch's languages: metric math, filter patterns of log events, and Logs Insights queries.

Meanings follow docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring and …/logs. A wrong text is a typed error; limits have names.
"""
