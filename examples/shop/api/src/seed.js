// Places a few orders, as a customer would: through the API.

const API_URL = process.env.API_URL ?? 'http://localhost:3000';

const products = await (await fetch(`${API_URL}/products`)).json();
for (const [index, product] of products.entries()) {
  const response = await fetch(`${API_URL}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ product: product.id, quantity: index + 1 }),
  });
  const order = await response.json();
  if (!response.ok) {
    throw new Error(`${product.id}: ${order.error}`);
  }
  console.log(`ordered ${order.quantity} × ${order.product}: ${order.id}`);
}
