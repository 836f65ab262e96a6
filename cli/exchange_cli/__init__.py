"""The program: words in, words out."""
