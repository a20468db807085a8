"""The only door to models: chat, tools, structured output, embeddings; scripted doubles; cost and limits. (From issue 3.)"""
