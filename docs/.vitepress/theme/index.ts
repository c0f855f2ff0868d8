import DefaultTheme from 'vitepress/theme-without-fonts'
// oxlint-disable-next-line import/no-unassigned-import -- Vite adds the styles to the page.
import './style.css'

export default DefaultTheme
