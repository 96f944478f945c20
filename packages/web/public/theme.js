// Before anything is drawn: a page that is light for a moment and then dark hurts. A file, because nothing inline may run.
;(() => {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const apply = () => {
    let chosen = null
    try {
      chosen = localStorage.getItem('holdfast.theme')
    } catch {
      // Storage may be closed to this page: then it looks as the system does.
    }
    const theme = chosen === 'light' || chosen === 'dark' ? chosen : dark.matches ? 'dark' : 'light'
    document.documentElement.dataset.theme = theme
  }
  apply()
  dark.addEventListener('change', apply)
  addEventListener('storage', apply)
  addEventListener('holdfast-theme', apply)
})()
