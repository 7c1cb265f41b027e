"""A small document of routing rules: a hold that holds back, a rule that groups, one for the digest."""

DOCUMENT = """
policies:
  standard: {steps: [{position: 0, wait_s: 60}]}
rules:
  - id: hold
    event: warehouse.WarehousePutOnHold.v1
    kind: hold
    severity: critical
    policy: standard
    subject: [hold_id]
    show: [warehouse_id, ground]
    resolved_by:
      - {event: warehouse.WarehouseHoldLifted.v1, subject: [hold_id]}
  - id: overdue
    event: warehouse.CorrectiveActionOverdue.v1
    counties: [rey, pardis]
    kind: overdue
    severity: warning
    policy: standard
    group: {wait_s: 60}
    subject: [action_id]
    show: [warehouse_id, severity]
    resolved_by:
      - {event: warehouse.CorrectiveActionResolved.v1, subject: [action_id]}
  - id: stock
    event: warehouse.EssentialStockLow.v1
    kind: stock
    severity: info
    policy: standard
    digest: true
    subject: [stock_id]
    show: [commodity]
inhibitions:
  - source: hold
    targets: [overdue]
    equal: [warehouse_id]
"""
