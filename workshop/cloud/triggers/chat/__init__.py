"""Conversations: Lex V2 bots and Alexa skills, which ask a function what to answer."""
