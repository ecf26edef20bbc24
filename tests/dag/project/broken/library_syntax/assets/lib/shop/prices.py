def price():
    return round(1.5
