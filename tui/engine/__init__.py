"""The engine: a child process that holds the model. The only room where llama_cpp lives."""
