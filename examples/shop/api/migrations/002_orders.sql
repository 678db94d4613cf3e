CREATE TABLE orders (
    id          uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    product     text        NOT NULL REFERENCES products (id),
    quantity    integer     NOT NULL CHECK (quantity BETWEEN 1 AND 99),
    total_cents integer     NOT NULL,
    status      text        NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'packed')),
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- The worker asks for nothing else, again and again.
CREATE INDEX orders_new ON orders (created_at) WHERE status = 'new';
