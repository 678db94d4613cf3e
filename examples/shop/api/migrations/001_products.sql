CREATE TABLE products (
    id          text    PRIMARY KEY,
    name        text    NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents > 0)
);

INSERT INTO products (id, name, price_cents) VALUES
    ('espresso-cup', 'Espresso cup', 890),
    ('tea-pot',      'Tea pot',      3450),
    ('milk-jug',     'Milk jug',     1290);
