// SPDX-License-Identifier: Apache-2.0
// What so many of an item cost; undefined: there is no such item.
export const priceOf = (prices, item, count) => (Object.hasOwn(prices, item) ? prices[item] * count : undefined);
