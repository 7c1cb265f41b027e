"""Stocks of essential goods in the fold: low and recovered by turns, and low again when every declaration has expired."""

from dataclasses import dataclass, field
from decimal import Decimal

from deploy.demo.expectation import AlertKey, Alerts, ExpectedAlert
from deploy.demo.ledger import Entry

RULE = "essential_stock_low"


@dataclass(slots=True)
class _Stock:
    """Tonnes by site; bounds in tonnes, None without a need."""

    county: str
    tonnes: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    low_below: Decimal | None = None
    recovered_above: Decimal = Decimal(0)
    running: AlertKey | None = None
    turns: int = 0


class StockFold:
    """One alert for each time that a stock becomes low; between the two bounds nothing changes."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._stocks: dict[str, _Stock] = {}

    def set_need(self, entry: Entry) -> None:
        """From today on."""
        intent = entry.intent
        stock, per_day = self._stock(entry), Decimal(intent["tonnes_per_day"])
        stock.low_below = per_day * Decimal(intent["low_below_days"])
        stock.recovered_above = per_day * Decimal(intent["recovered_above_days"])
        self._judge(str(intent["stock_id"]), stock)

    def declare(self, entry: Entry) -> None:
        """The newest declaration of a site counts."""
        stock = self._stock(entry)
        stock.tonnes[str(entry.intent["warehouse_id"])] = Decimal(entry.intent["tonnes"])
        self._judge(str(entry.intent["stock_id"]), stock)

    def let_declarations_expire(self) -> None:
        """A declaration counts for thirty days of the compressed clock, which are over before the day ends."""
        for stock_id, stock in self._stocks.items():
            stock.tonnes.clear()
            self._judge(stock_id, stock)

    def _stock(self, entry: Entry) -> _Stock:
        return self._stocks.setdefault(str(entry.intent["stock_id"]), _Stock(str(entry.intent["county"])))

    def _judge(self, stock_id: str, stock: _Stock) -> None:
        if stock.low_below is None:
            return
        total = sum(stock.tonnes.values(), Decimal(0))
        if stock.running is None and total < stock.low_below:
            stock.running = AlertKey(RULE, stock_id, stock.turns)
            self._alerts[stock.running] = ExpectedAlert(stock.county)
            stock.turns += 1
        elif stock.running is not None and total > stock.recovered_above:
            self._alerts[stock.running].resolved = True
            stock.running = None
