"""Paper and letters: what the house says to warehouses, recipients and partners.

    pick_list      one wave for one warehouse: PDF, CSV, JSON
    packing_slip   one page per parcel, in the recipient's language, under the brand the contract names
    letters        localised notices: subject, text, HTML
    brand          whose name stands on a slip or a letter
    barcodes       Code 128 and QR, drawn and read
    press          typst, kept warm; the same facts give the same bytes
    words          gettext catalogues (infra/locale), and dates the reader's way

Nothing here asks the clock, the network or the database: tasks hand over facts, and get bytes or text back.
"""
