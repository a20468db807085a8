"""Which classes of alerts we solve, can learn, will not solve; when to speak and when to keep quiet. (From issue 4.)"""
