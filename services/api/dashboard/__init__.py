"""The pages for people: server-rendered, in the API's process, under `/dashboard`."""
