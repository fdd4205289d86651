"""What the pages read off result rows and say of them: places of numbers, tables, sentences.

One group of modules per chapter, and the README's glance. All of them take rows and give numbers,
tables or text; none trains, scores or draws.
"""
