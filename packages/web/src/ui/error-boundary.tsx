import { Component, type ReactNode } from 'react'

interface Props {
  readonly children: ReactNode
  /** Shown where the children failed to be drawn. */
  readonly instead: ReactNode
}

/** What cannot be drawn takes neither the rest of the page nor the way out with it. Nothing is lost: it is on the server. */
export class ErrorBoundary extends Component<Props, { readonly failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError(): { readonly failed: boolean } {
    return { failed: true }
  }

  override render(): ReactNode {
    return this.state.failed ? this.props.instead : this.props.children
  }
}
